// What the tests of configurations store.
#pragma once

#include <optional>
#include <string>

#include "stele/describe.hpp"
#include "stele/uuid.hpp"

namespace support {

struct Limits {
    int tokens = 100;
};
STELE_DESCRIBE(Limits, (tokens))

/// All members have a default.
struct Settings {
    std::string model = "none";
    std::optional<double> temperature;
    Limits limits;
};
STELE_DESCRIBE(Settings, (model, stele::has_default), (temperature), (limits, "bounds", stele::has_default))

/// One has none.
struct Secret {
    std::string key;
    stele::Uuid id;
};
STELE_DESCRIBE_AS("the.secret", Secret, (key), (id))

}  // namespace support

// What the processes of index_process.cpp index, and the test that drives them.
#pragma once

#include <string>

#include "stele/vector_index.hpp"

namespace stele::test::shared {

struct Note {
    std::string text, key;
    int page = 0;
};
STELE_DESCRIBE(Note, (text), (key), (page))

}  // namespace stele::test::shared

// A filter is read from any text or refused; what was read is shown in a way that is read back as the same, and has an
// answer for any document.
#include <string>

#include "fuzz.hpp"
#include "stele/filter.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    using stele::Filter;
    Filter filter;
    if (!accepts([&] { filter = Filter::parse(as_text(data, size)); }) || filter.is_everything()) return 0;
    const std::string shown = filter.to_string();
    Filter again;
    require(accepts([&] { again = Filter::parse(shown); }));
    require(again.to_string() == shown);
    filter.matches(stele::Json::parse(R"({"a":{"b":[1,"x",null]},"t":"2026-01-31T10:00:00Z"})"));
    return 0;
}

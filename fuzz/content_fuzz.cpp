// Content: what is read from JSON is written, and read back as the same; shown as text and merged, it never fails.
#include <string>

#include "fuzz.hpp"
#include "stele/content.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const auto json = stele::Json::trusted(std::string(as_text(data, size)));
    for (const bool refuse_unknown : {false, true}) {
        stele::Content content;
        if (!accepts([&] { content = stele::from_json<stele::Content>(json, {.refuse_unknown = refuse_unknown}); }))
            continue;
        const stele::Json written = stele::to_json(content);
        const auto again = stele::from_json<stele::Content>(written, {.refuse_unknown = true});
        require(again == content);
        require(stele::to_json(again) == written);

        stele::Content merged;
        merged.append(content);
        require(merged.text() == content.text());
        require(merged.parts().size() <= content.parts().size());
        require(stele::Content(merged).append(stele::Content()) == merged);
    }
    return 0;
}

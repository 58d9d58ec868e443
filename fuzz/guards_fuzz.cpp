// The guards that read text: any two questions are accepted or refused, the same both ways round, and a question is
// never refused for itself.
#include <algorithm>
#include <string>

#include "base/text.hpp"
#include "fuzz.hpp"
#include "stele/guard.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    static const std::vector<stele::Guard> guards = stele::text_guards();
    static const stele::Json metadata = stele::Json::object();
    const std::string_view text = as_text(data, size);
    const std::size_t half = std::min(text.find('\n'), text.size());
    const std::string_view one = text.substr(0, half), other = text.substr(std::min(half + 1, text.size()));
    const auto refuses = [](const stele::Guard& guard, std::string_view asked, std::string_view stored) {
        const auto refusal = guard.check({.asked = asked,
                                          .asked_key = asked,
                                          .stored = stored,
                                          .stored_key = stored,
                                          .response = {},
                                          .metadata = metadata});
        if (refusal) require(!refusal->text.empty());
        return refusal.has_value();
    };
    for (const stele::Guard& guard : guards) {
        bool there = false, back = false;
        if (!accepts([&] { there = refuses(guard, one, other); })) {
            require(stele::find_text_fault(one).has_value() || stele::find_text_fault(other).has_value());
            continue;
        }
        require(accepts([&] { back = refuses(guard, other, one); }));
        require(there == back);
        require(!refuses(guard, one, one));
    }
    return 0;
}

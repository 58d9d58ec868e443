// What is typed into a search box, before the first line break, is read whatever it is, and ranks whatever text
// follows; a text is found by its own words.
#include <algorithm>
#include <cmath>
#include <string>

#include "base/json_tree.hpp"
#include "base/text.hpp"
#include "fuzz.hpp"
#include "index/web_query.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const std::string_view input = as_text(data, size);
    if (!stele::valid_utf8(input)) return 0;
    const std::size_t end = std::min(input.find('\n'), input.size());
    const std::string typed(input.substr(0, end)), text(input.substr(std::min(end + 1, input.size())));
    stele::JsonNode document;
    if (!accepts([&] { document = stele::parse_json(stele::Json::string(text).text()); })) return 0;
    const stele::TextWords words(document, {{}});

    const stele::WebQuery query(typed), spaced(" " + typed + " ");
    require(query.matches(words) == spaced.matches(words));
    const float rank = query.rank(words);
    require(std::isfinite(rank) && rank >= 0 && rank == spaced.rank(words));

    std::string phrase;
    for (const std::string& word : stele::simple_words(text)) {
        require(stele::WebQuery("\"" + word + "\"").matches(words));
        require(!stele::WebQuery("-\"" + word + "\"").matches(words));
        phrase += word + " ";
    }
    require(stele::WebQuery("\"" + phrase + "\"").matches(words) == !phrase.empty());
    return 0;
}

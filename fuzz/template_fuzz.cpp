// Template bodies: whatever they hold, in both dialects the variables are those that other readers see, and the places
// put back give the body, unless something in it is escaped.
#include <string>
#include <vector>

#include "base/text.hpp"
#include "fuzz.hpp"
#include "stele/template.hpp"

namespace {

using stele::TemplateBody;
using stele::TemplateGrammar;

/// The names that readers without the escape find, by the rules in template_body.hpp.
std::vector<std::string> names_for_others(std::string_view text, TemplateGrammar grammar) {
    std::vector<std::string> names;
    std::size_t at = 0;
    while ((at = text.find("{%", at)) != std::string_view::npos) {
        const std::size_t end = text.find("%}", at + 2);
        if (end == std::string_view::npos) break;
        const std::string_view name = text.substr(at + 2, end - at - 2);
        bool good = !name.empty() && !stele::has_blank(name);
        if (grammar == TemplateGrammar::e3) good = good && name.find('%') == std::string_view::npos;
        if (good) names.emplace_back(name);
        at = good || grammar == TemplateGrammar::e1 ? end + 2 : at + 1;
    }
    return names;
}

void check(std::string_view text, TemplateGrammar grammar) {
    TemplateBody body;
    if (!accepts([&] { body = TemplateBody::parse(text, grammar); })) {
        require(stele::find_text_fault(text).has_value());
        return;
    }
    require(body.text() == text);
    std::vector<std::string> names;
    bool after_text = false;
    for (const TemplateBody::Segment& segment : body.segments()) {
        const bool is_text = segment.kind == TemplateBody::Segment::Kind::text;
        require(!segment.text.empty() && !(is_text && after_text));
        after_text = is_text;
        if (!is_text) names.push_back(segment.text);
    }
    require(names == names_for_others(text, grammar));
    require(body.variables().empty() == accepts([&] { stele::render(body); }));

    stele::TemplateArguments places;
    for (const std::string& name : body.variables()) places.emplace(name, "{%" + name + "%}");
    const std::string shown = stele::render_text(body, places);
    require(shown.size() <= text.size());
    if (text.find("{%%}") == std::string_view::npos) require(shown == text);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    check(as_text(data, size), TemplateGrammar::e3);
    check(as_text(data, size), TemplateGrammar::e1);
    return 0;
}

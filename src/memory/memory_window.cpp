#include "stele/memory_window.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <string_view>
#include <utility>

#include "base/result.hpp"
#include "memory/token_window.hpp"
#include "memory/tool_uses.hpp"

namespace stele {
namespace {

/// Which blocks of which elements stay together: a request and its response, by place.
class Exchanges {
public:
    explicit Exchanges(const std::vector<WindowElement>& window) : kept_(window.size()) {
        for (std::size_t i = 0; i < window.size(); ++i) {
            std::visit([&](const auto& element) { look(i, element); }, window[i].element);
        }
        waiting_.for_each([this](std::size_t output) { unanswered_[output] = true; });
        for (const auto& [response, output] : answers_) {
            if (unanswered_.contains(output)) kept_[response.first][response.second] = false;
        }
    }
    bool keeps_output(std::size_t element) const { return !unanswered_.contains(element); }
    const std::vector<bool>& input_blocks(std::size_t element) const { return kept_[element]; }

private:
    using Place = std::pair<std::size_t, std::size_t>;  // element, block

    void look(std::size_t place, const ModelOutput& output) {
        for (const OutputBlock& block : output.blocks) {
            if (const auto* request = std::get_if<ToolRequest>(&block)) waiting_.ask(request->identifier, place);
        }
    }
    void look(std::size_t place, const ModelInput& input) {
        kept_[place].assign(input.blocks.size(), true);
        for (std::size_t i = 0; i < input.blocks.size(); ++i) {
            const auto* response = std::get_if<ToolResponse>(&input.blocks[i]);
            if (response == nullptr) continue;
            if (const auto output = waiting_.answer(response->identifier)) {
                answers_[{place, i}] = *output;
            } else {
                kept_[place][i] = false;
            }
        }
    }

    OpenRequests<std::string_view, std::size_t> waiting_;  // by the output that asked
    std::map<Place, std::size_t> answers_;                 // of a response: the output that asked
    std::map<std::size_t, bool> unanswered_;
    std::vector<std::vector<bool>> kept_;  // of inputs
};

}  // namespace

WindowElement::WindowElement(ModelElement&& stored, std::size_t in_group)
    : element(std::move(stored)), group(in_group) {
    const auto* input = std::get_if<ModelInput>(&element);
    begins = input != nullptr && !input->has_tool_response();
}

void begin_at_a_beginning(std::vector<WindowElement>& window) {
    window.erase(window.begin(),
                 std::find_if(window.begin(), window.end(), [](const WindowElement& each) { return each.begins; }));
}

bool drop_unanswered(std::vector<WindowElement>& window) {
    const Exchanges exchanges(window);
    bool changed = false;
    std::vector<WindowElement> left;
    left.reserve(window.size());
    for (std::size_t i = 0; i < window.size(); ++i) {
        bool stays = true;
        if (auto* input = std::get_if<ModelInput>(&window[i].element)) {
            const std::vector<bool>& kept = exchanges.input_blocks(i);
            if (std::find(kept.begin(), kept.end(), false) != kept.end()) {
                std::vector<InputBlock> rest;
                for (std::size_t block = 0; block < kept.size(); ++block) {
                    if (kept[block]) rest.push_back(std::move(input->blocks[block]));
                }
                stays = !rest.empty();
                input->blocks = std::move(rest);
                changed = true;
            }
        } else {
            stays = exchanges.keeps_output(i);
        }
        changed = changed || !stays;
        if (stays) left.push_back(std::move(window[i]));
    }
    window = std::move(left);
    return changed;
}

std::vector<ModelElement> elements_of(std::vector<WindowElement> window) {
    std::vector<ModelElement> elements;
    elements.reserve(window.size());
    for (WindowElement& each : window) elements.push_back(std::move(each.element));
    return elements;
}

inline namespace v0 {
namespace {

std::size_t text_bytes(const Content& content) {
    constexpr std::size_t kResource = 4000;
    std::size_t bytes = 0;
    for (const ContentPart& part : content.parts()) {
        if (const auto* text = std::get_if<TextContent>(&part)) {
            bytes += text->text.size();
        } else if (std::holds_alternative<ResourceContent>(part)) {
            bytes += kResource;
        } else {
            bytes += Content(part).text().size();
        }
    }
    return bytes;
}
std::size_t text_bytes(const Reasoning& reasoning) {
    return text_bytes(reasoning.content);
}
std::size_t text_bytes(const ToolRequest& request) {
    return request.tool.size() + request.arguments.text().size();
}
std::size_t text_bytes(const ToolResponse& response) {
    return response.tool.size() + text_bytes(response.content);
}

std::string render(const MemoryPosition& position) {
    return position.newest ? to_iso8601(*position.newest) : "its beginning";
}

}  // namespace

std::vector<ModelElement> replayable(std::vector<ModelElement> elements, Replay replay) {
    if (replay == Replay::all) return elements;
    std::vector<WindowElement> window;
    window.reserve(elements.size());
    for (ModelElement& element : elements) window.emplace_back(std::move(element), window.size());
    begin_at_a_beginning(window);
    if (replay == Replay::answered) drop_unanswered(window);
    return elements_of(std::move(window));
}

std::size_t estimate_tokens(const ModelElement& element) {
    constexpr std::size_t kBytesOfToken = 4, kTokensOfElement = 4;
    std::size_t bytes = 0;
    std::visit(
        [&bytes](const auto& each) {
            for (const auto& block : each.blocks) {
                bytes += std::visit([](const auto& inner) { return text_bytes(inner); }, block);
            }
        },
        element);
    return kTokensOfElement + (bytes + kBytesOfToken - 1) / kBytesOfToken;
}

MemoryMoved::MemoryMoved(const std::string& memory, const MemoryPosition& expected, MemoryPosition actual)
    : Error(make_error(ErrorCode::serialization,
                       fmt::format("the memory \"{}\" has moved on, from {} to {}; recall it and decide anew", memory,
                                   render(expected), render(actual)))),
      actual_(actual) {}

}  // namespace v0
}  // namespace stele

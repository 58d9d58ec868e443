#include "index/text_words.hpp"

#include <utf8proc.h>

#include <algorithm>
#include <utility>

#include "base/text.hpp"
#include "index/filter_node.hpp"

namespace stele {
namespace {

// Of a tsvector: places beyond are this one, and a word has one fewer than 256.
constexpr int kLastPlace = 16383;
constexpr std::size_t kMostPlaces = 255;
constexpr std::size_t kLongestWord = 2046;

/// In the order that jsonb keeps them in.
std::vector<std::size_t> order_of_keys(const JsonNode& object) {
    std::vector<std::size_t> order;
    for (std::size_t i = 0; i < object.keys.size(); ++i) {
        if (object.find(object.keys[i]) == &object.items[i]) order.push_back(i);  // the last of equal keys
    }
    std::sort(order.begin(), order.end(), [&](std::size_t a, std::size_t b) {
        const std::string &left = object.keys[a], &right = object.keys[b];
        return std::pair(left.size(), std::string_view(left)) < std::pair(right.size(), std::string_view(right));
    });
    return order;
}

}  // namespace

std::vector<std::string> simple_words(std::string_view text) {
    std::vector<std::string> words;
    std::string word;
    const auto* at = reinterpret_cast<const utf8proc_uint8_t*>(text.data());
    auto left = static_cast<utf8proc_ssize_t>(text.size());
    while (left > 0) {
        utf8proc_int32_t code_point = -1;
        const auto length = utf8proc_iterate(at, left, &code_point);
        if (length <= 0) break;
        if (is_alphanumeric(code_point)) {
            utf8proc_uint8_t lower[4];
            const auto bytes = utf8proc_encode_char(utf8proc_tolower(code_point), lower);
            word.append(reinterpret_cast<const char*>(lower), static_cast<std::size_t>(bytes));
        } else if (!word.empty()) {
            words.push_back(std::exchange(word, {}));
        }
        at += length;
        left -= length;
    }
    if (!word.empty()) words.push_back(std::move(word));
    return words;
}

TextWords::TextWords(const JsonNode& value, const std::vector<detail::FilterPath>& paths) {
    for (const detail::FilterPath& path : paths) {
        if (const JsonNode* member = value_at(value, path)) add(*member);
    }
}

const std::vector<int>& TextWords::places(const std::string& word) const {
    static const std::vector<int> kNone;
    const auto found = places_.find(word);
    return found == places_.end() ? kNone : found->second;
}

void TextWords::add(const JsonNode& value) {
    if (value.kind == JsonNode::Kind::string) add(value.text);
    if (value.kind == JsonNode::Kind::array) {
        for (const JsonNode& item : value.items) add(item);
    }
    if (value.kind == JsonNode::Kind::object) {
        for (const std::size_t i : order_of_keys(value)) add(value.items[i]);
    }
}

void TextWords::add(std::string_view text) {
    const std::vector<std::string> words = simple_words(text);
    for (const std::string& word : words) {
        ++last_;
        if (word.size() > kLongestWord) continue;
        const int place = std::min(last_, kLastPlace);
        std::vector<int>& places = places_[word];
        if (places.size() < kMostPlaces && (places.empty() || places.back() != place)) places.push_back(place);
    }
    if (!words.empty()) ++last_;  // no phrase goes on in the next text
}

}  // namespace stele

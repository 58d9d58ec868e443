#include "index/web_query.hpp"

#include <utf8proc.h>

#include <algorithm>
#include <cmath>
#include <cstdlib>

#include "base/text.hpp"

namespace stele {
namespace {

bool is_blank(char c) {
    return c == ' ' || (c >= '\t' && c <= '\r');
}
bool is_operator(char c) {
    return c == '!' || c == '&' || c == '|' || c == '(' || c == ')';
}

/// At an `or` that stands between two operands, for which there must be something behind it.
bool is_or(std::string_view text) {
    if (text.size() < 3 || (text[0] | 0x20) != 'o' || (text[1] | 0x20) != 'r') return false;
    text.remove_prefix(2);
    utf8proc_int32_t next = 0;
    const auto length = utf8proc_iterate(reinterpret_cast<const utf8proc_uint8_t*>(text.data()),
                                         static_cast<utf8proc_ssize_t>(text.size()), &next);
    if (length <= 0 || next == '-' || next == '_' || is_alphanumeric(next)) return false;
    return std::any_of(text.begin() + length, text.end(), [](char c) { return !is_blank(c); });
}

// ts_rank gives every word of a text the weight D, unless somebody set others.
constexpr float kWeight = 0.1F;

float nearness(int distance) {
    constexpr int kFar = 100;
    if (distance > kFar) return 1e-30F;
    return static_cast<float>(1.0 /
                              (1.005 + 0.05 * std::exp(static_cast<double>(static_cast<float>(distance)) / 1.5 - 2)));
}

}  // namespace

// As PostgreSQL's gettoken_query_websearch(): there is an operand due, or there is not. The operators of other queries
// are passed over.
WebQuery::WebQuery(std::string_view text) : any_(1) {
    bool after_operand = false;
    std::size_t negations = 0;
    const auto add = [&](std::string_view operand) {
        after_operand = true;
        Phrase phrase{simple_words(operand), negations};
        negations = 0;
        if (phrase.words.empty()) return;
        words_.insert(phrase.words.begin(), phrase.words.end());
        any_.back().push_back(std::move(phrase));
    };
    while (!text.empty()) {
        const char c = text.front();
        if (is_blank(c) || is_operator(c)) {
            text.remove_prefix(1);
        } else if (after_operand) {
            after_operand = false;
            if (c == '"' || !is_or(text)) continue;
            text.remove_prefix(2);
            any_.emplace_back();
        } else if (c == '-') {
            ++negations;
            text.remove_prefix(1);
        } else if (c == '"') {
            const std::size_t end = std::min(text.find('"', 1), text.size());
            add(text.substr(1, end - 1));
            text.remove_prefix(std::min(end + 1, text.size()));
        } else {
            std::size_t end = 1;
            const auto ends = [](char at) { return is_blank(at) || is_operator(at) || at == '"' || at == ':'; };
            while (end < text.size() && !ends(text[end])) ++end;
            add(text.substr(0, end));
            text.remove_prefix(end);
        }
    }
    std::erase_if(any_, [](const All& all) { return all.empty(); });
}

bool WebQuery::matches(const TextWords& words) const {
    const auto is_there = [&](const Phrase& phrase) {
        const std::vector<int>& begins = words.places(phrase.words.front());
        return std::any_of(begins.begin(), begins.end(), [&](int begin) {
            for (std::size_t i = 1; i < phrase.words.size(); ++i) {
                const std::vector<int>& places = words.places(phrase.words[i]);
                if (!std::binary_search(places.begin(), places.end(), begin + static_cast<int>(i))) return false;
            }
            return true;
        });
    };
    return std::any_of(any_.begin(), any_.end(), [&](const All& all) {
        return std::all_of(all.begin(), all.end(),
                           [&](const Phrase& phrase) { return is_there(phrase) == (phrase.negations % 2 == 0); });
    });
}

// PostgreSQL's calc_rank(), in its types and its order of operations, so that what ties there ties here.
float WebQuery::rank(const TextWords& words) const {
    if (words.empty() || any_.empty()) return 0;
    const All& first = any_.front();
    const bool all =
        any_.size() == 1 && (first.size() > 1 || (first.front().negations == 0 && first.front().words.size() > 1));
    const float rank = all && words_.size() > 1 ? rank_near(words) : rank_often(words);
    return rank < 0 ? 1e-20F : rank;
}

float WebQuery::rank_near(const TextWords& words) const {
    float rank = -1;
    for (auto word = words_.begin(); word != words_.end(); ++word) {
        for (auto other = words_.begin(); other != word; ++other) {
            for (const int place : words.places(*word)) {
                for (const int beside : words.places(*other)) {
                    const int distance = std::abs(place - beside);
                    if (distance == 0) continue;
                    const auto near =
                        static_cast<float>(std::sqrt(static_cast<double>(kWeight * kWeight * nearness(distance))));
                    rank = rank < 0 ? near
                                    : static_cast<float>(1.0 - (1.0 - static_cast<double>(rank)) *
                                                                   (1.0 - static_cast<double>(near)));
                }
            }
        }
    }
    return rank;
}

float WebQuery::rank_often(const TextWords& words) const {
    constexpr double kLimit = 1.64493406685;  // of the sum of 1 / n^2
    float rank = 0;
    for (const std::string& word : words_) {
        const std::size_t times = words.places(word).size();
        if (times == 0) continue;
        float sum = 0;
        for (std::size_t i = 1; i <= times; ++i) sum += kWeight / static_cast<float>(i * i);
        // the greatest weight counts as the first
        rank = static_cast<float>(static_cast<double>(rank) + static_cast<double>(kWeight + sum - kWeight) / kLimit);
    }
    return rank / static_cast<float>(words_.size());
}

}  // namespace stele

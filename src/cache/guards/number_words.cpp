#include "cache/guards/number_words.hpp"

#include <algorithm>
#include <array>
#include <utility>

#include "cache/guards/units.hpp"

namespace stele {
namespace {

struct Spelled {
    std::string_view word;
    std::uint64_t value;
};

// Words that mean something else in one of the languages are left out: "null", "cent", "elf".
constexpr auto kCardinals = std::to_array<Spelled>({
    {"zero", 0},      {"two", 2},         {"three", 3},         {"four", 4},      {"five", 5},
    {"six", 6},       {"seven", 7},       {"eight", 8},         {"nine", 9},      {"ten", 10},
    {"eleven", 11},   {"twelve", 12},     {"thirteen", 13},     {"fourteen", 14}, {"fifteen", 15},
    {"sixteen", 16},  {"seventeen", 17},  {"eighteen", 18},     {"nineteen", 19}, {"twenty", 20},
    {"thirty", 30},   {"forty", 40},      {"fifty", 50},        {"sixty", 60},    {"seventy", 70},
    {"eighty", 80},   {"ninety", 90},     {"zwei", 2},          {"drei", 3},      {"vier", 4},
    {"f\u00fcnf", 5}, {"sechs", 6},       {"sieben", 7},        {"acht", 8},      {"neun", 9},
    {"zehn", 10},     {"zw\u00f6lf", 12}, {"dreizehn", 13},     {"vierzehn", 14}, {"f\u00fcnfzehn", 15},
    {"sechzehn", 16}, {"siebzehn", 17},   {"achtzehn", 18},     {"neunzehn", 19}, {"zwanzig", 20},
    {"dreissig", 30}, {"vierzig", 40},    {"f\u00fcnfzig", 50}, {"sechzig", 60},  {"siebzig", 70},
    {"achtzig", 80},  {"neunzig", 90},    {"deux", 2},          {"trois", 3},     {"quatre", 4},
    {"cinq", 5},      {"sept", 7},        {"huit", 8},          {"neuf", 9},      {"dix", 10},
    {"onze", 11},     {"douze", 12},      {"treize", 13},       {"quatorze", 14}, {"quinze", 15},
    {"seize", 16},    {"vingt", 20},      {"trente", 30},       {"quarante", 40}, {"cinquante", 50},
    {"soixante", 60},
});
constexpr auto kOrdinals = std::to_array<Spelled>({
    {"second", 2},
    {"third", 3},
    {"fourth", 4},
    {"fifth", 5},
    {"sixth", 6},
    {"seventh", 7},
    {"eighth", 8},
    {"ninth", 9},
    {"tenth", 10},
    {"zweite", 2},
    {"zweiten", 2},
    {"dritte", 3},
    {"dritten", 3},
    {"deuxi\u00e8me", 2},
    {"troisi\u00e8me", 3},
});
constexpr auto kOptional = std::to_array<Spelled>({{"one", 1}, {"twice", 2}, {"zweimal", 2}});
constexpr auto kOptionalOrdinals = std::to_array<Spelled>({{"first", 1}, {"erste", 1}, {"ersten", 1}});
constexpr auto kUnitsOfTens = std::to_array<Spelled>({{"ein", 1},
                                                      {"zwei", 2},
                                                      {"drei", 3},
                                                      {"vier", 4},
                                                      {"f\u00fcnf", 5},
                                                      {"sechs", 6},
                                                      {"sieben", 7},
                                                      {"acht", 8},
                                                      {"neun", 9}});

template <std::size_t N>
const Spelled* find(const std::array<Spelled, N>& table, std::string_view word) noexcept {
    const auto* found = std::find_if(table.begin(), table.end(), [word](const Spelled& s) { return s.word == word; });
    return found == table.end() ? nullptr : found;
}

// "fuenfundzwanzig", which is folded with its umlaut
std::optional<std::uint64_t> german_compound(std::string_view word) noexcept {
    for (const Spelled& unit : kUnitsOfTens) {
        if (!word.starts_with(unit.word)) continue;
        std::string_view rest = word.substr(unit.word.size());
        if (!rest.starts_with("und")) continue;
        rest.remove_prefix(3);
        const Spelled* tens = find(kCardinals, rest);
        if (tens != nullptr && tens->value >= 20 && tens->value % 10 == 0) return tens->value + unit.value;
    }
    return std::nullopt;
}

std::optional<std::uint64_t> cardinal(std::string_view word) noexcept {
    if (const Spelled* found = find(kCardinals, word)) return found->value;
    return german_compound(word);
}

constexpr std::uint64_t kTen = 10, kTwenty = 20, kHundred = 100;

// "twenty" and "five", "two hundred" and "six"; not "two" and "six"
bool continues(std::uint64_t before, std::uint64_t next) noexcept {
    if (next < kTen) return before % kTen == 0 && before >= kTwenty && next > 0;
    return next < kHundred && before >= kHundred && before % kHundred == 0;
}

}  // namespace

std::optional<SpelledNumber> read_spelled_number(std::span<const Word> words) {
    if (words.empty()) return std::nullopt;
    const std::string& first = words.front().folded;
    if (const Spelled* found = find(kOrdinals, first)) return SpelledNumber{found->value, 1, true, false};
    if (const Spelled* found = find(kOptionalOrdinals, first)) return SpelledNumber{found->value, 1, true, true};
    std::uint64_t total = 0, current = 0;
    std::size_t used = 0;
    bool open = true, only_one = false;
    for (std::size_t i = 0; i < words.size() && open; ++i) {
        const std::string& word = words[i].folded;
        const std::uint64_t factor = word == "k" || word == "m" ? 0 : multiplier(word);
        if (factor != 0 && (used > 0 || i == 0)) {
            if (factor > 1'000'000'000 / std::max<std::uint64_t>(current, 1)) break;
            current = std::max<std::uint64_t>(current, 1) * factor;
            if (factor >= 1'000) total += std::exchange(current, 0);
            only_one = false;
        } else if (const auto value = cardinal(word)) {
            if (used > 0 && !(current == 0 && total > 0) && !continues(current, *value)) break;
            current += *value;
            only_one = false;
        } else if (const Spelled* found = find(kOptional, word);
                   found != nullptr && (used == 0 || continues(current, found->value))) {
            only_one = used == 0;
            current += found->value;
        } else if (used > 0 && word == "and" && i + 1 < words.size() && current >= kHundred &&
                   cardinal(words[i + 1].folded)) {
            continue;  // counted with what follows
        } else {
            break;
        }
        used = i + 1;
    }
    if (used == 0) return std::nullopt;
    return SpelledNumber{total + current, used, false, only_one};
}

}  // namespace stele

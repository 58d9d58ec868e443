#include "cache/guards/quantities.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <optional>
#include <span>

#include "base/text.hpp"
#include "cache/guards/calendar.hpp"
#include "cache/guards/decimal.hpp"
#include "cache/guards/figures.hpp"
#include "cache/guards/number_words.hpp"
#include "cache/guards/units.hpp"

namespace stele {
namespace {

constexpr int kDays = 31;
constexpr std::size_t kYearDigits = 4;

std::optional<int> whole(std::string_view digits) noexcept {
    int value = 0;
    const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), value);
    if (error != std::errc() || end != digits.data() + digits.size()) return std::nullopt;
    return value;
}

/// Goes through a text and gathers.
class Reader {
public:
    explicit Reader(const GuardText& text) : plain_(text.plain()), words_(text.words()) {}

    std::vector<Quantity> read() {
        while (at_ < words_.size()) {
            const Word& word = words_[at_];
            if (is_digit(word.raw.front())) {
                read_number(word.begin);
            } else if (is_version(word.folded)) {
                read_number(word.begin + 1);
            } else if (!read_month() && !read_weekday() && !read_spelled()) {
                ++at_;
            }
        }
        std::vector<Quantity> all;
        for (Found& found : found_) all.push_back(std::move(found.quantity));
        return all;
    }

private:
    struct Found {
        Quantity quantity;
        std::size_t begin = 0, end = 0;
    };

    static bool is_version(std::string_view folded) noexcept {
        return folded.size() > 1 && folded.front() == 'v' && is_digit(folded[1]);
    }
    std::string_view rest(std::size_t from) const { return std::string_view(plain_).substr(from); }
    std::string shown(std::size_t begin, std::size_t end) const { return plain_.substr(begin, end - begin); }
    void go_behind(std::size_t end) {
        while (at_ < words_.size() && words_[at_].begin < end) ++at_;
    }
    void add(Quantity quantity, std::size_t begin, std::size_t end) {
        quantity.shown = shown(begin, end);
        found_.push_back({std::move(quantity), begin, end});
        go_behind(end);
    }
    /// The word behind a place, if at most a blank or a hyphen lies between.
    const Word* word_behind(std::size_t end) const {
        for (std::size_t i = at_; i < words_.size(); ++i) {
            if (words_[i].begin < end) continue;
            const std::string_view gap = std::string_view(plain_).substr(end, words_[i].begin - end);
            return gap.empty() || gap == " " || gap == "-" ? &words_[i] : nullptr;
        }
        return nullptr;
    }

    /// An amount in the making.
    struct Amount {
        std::string value, other;
        std::uint64_t factor = 1;
        int shift = 0;
        std::string_view kind{};
    };
    static std::string scaled(const std::string& digits, const Amount& amount) {
        if (digits.empty() || (amount.kind.empty() && amount.factor == 1)) return digits;
        const bool is_decimal =
            digits.find('/') == std::string::npos && std::count(digits.begin(), digits.end(), '.') < 2;
        const auto number = is_decimal ? Decimal::read(digits) : std::nullopt;
        const auto product = number ? number->times(amount.factor, amount.shift) : std::nullopt;
        return product ? product->text() : digits;
    }
    static bool take(Amount& amount, std::string_view word) {
        if (amount.kind.empty()) {
            if (const Unit* unit = find_unit(word)) {
                amount.kind = unit->kind;
                amount.factor *= unit->factor;
                amount.shift += unit->shift;
                return true;
            }
        }
        const std::uint64_t times = amount.factor == 1 ? multiplier(word) : 0;
        if (times != 0) amount.factor = times;
        return times != 0;
    }

    void read_number(std::size_t begin) {
        constexpr auto kOrdinals = std::to_array<std::string_view>({"st", "nd", "rd", "th", "er", "e", "eme"});
        Figures figures = read_figures(in_list(begin) ? std::string_view(words_[at_].raw) : rest(begin));
        std::size_t end = begin + figures.bytes;
        std::size_t from = begin;
        if (figures.kind == Figures::Kind::date)
            return add({"date", figures.value, figures.other, false, {}}, from, end);
        std::string suffix;
        if (end < plain_.size() && is_word_byte(plain_[end])) {
            go_behind(end);  // to the word behind the one that the suffix is part of
            const Word& word = words_[at_ - 1];
            suffix = fold_case(rest(end).substr(0, word.end() - end));
        }
        if (figures.kind == Figures::Kind::time || is_hour(suffix)) return read_time(figures.value, begin, end, suffix);
        end += suffix.size();
        Amount amount{std::move(figures.value), std::move(figures.other), 1, 0, {}};
        if (is_one_of(suffix, kOrdinals)) return add({"#", amount.value, {}, false, {}}, from, end);
        if (!suffix.empty() && !take(amount, suffix)) return;  // a code, which is a name
        from = take_signs_before(amount, begin);
        bool optional = false;
        end = take_behind(amount, end, optional);
        if (const Word* next = word_behind(end); amount.kind.empty() && next != nullptr) {
            if (next->folded == "am" || next->folded == "pm" || next->folded == "uhr") {
                return read_time(amount.value, begin, end, {});
            }
        }
        std::string value = scaled(amount.value, amount), other = scaled(amount.other, amount);
        if (from < begin && plain_[begin - 1] == '-') value.insert(0, "-");
        add({std::string(amount.kind), std::move(value), std::move(other), optional, {}}, from, end);
    }

    /// "1,2,3": what follows the first is no fraction.
    bool in_list(std::size_t begin) const noexcept {
        return begin > 1 && plain_[begin - 1] == ',' && is_digit(plain_[begin - 2]);
    }
    static bool is_hour(std::string_view suffix) { return suffix == "am" || suffix == "pm"; }

    /// `value` is hours, or hours and minutes.
    void read_time(const std::string& value, std::size_t begin, std::size_t end, std::string_view suffix) {
        constexpr int kNoon = 12;
        std::string half(suffix);
        end += suffix.size();
        if (const Word* next = word_behind(end);
            half.empty() && next != nullptr && (is_hour(next->folded) || next->folded == "uhr")) {
            half = next->folded;
            end = next->end();
        }
        const std::size_t colon = std::min(value.find(':'), value.size());
        const auto hours = whole(std::string_view(value).substr(0, colon));
        if (!hours) return add({"time", value, {}, false, {}}, begin, end);
        int hour = *hours;
        if (half == "pm" && hour < kNoon) hour += kNoon;
        if (half == "am" && hour == kNoon) hour = 0;
        const std::string minutes = colon == value.size() ? ":00" : value.substr(colon);
        add({"time", fmt::format("{:02}{}", hour, minutes), {}, false, {}}, begin, end);
    }

    /// A minus, and the sign of a currency.
    std::size_t take_signs_before(Amount& amount, std::size_t begin) const {
        std::size_t from = begin;
        if (from > 0 && plain_[from - 1] == '-' && (from == 1 || plain_[from - 2] == ' ')) --from;
        for (std::size_t back = 1; back <= 3 && back <= from; ++back) {
            const CurrencySign sign = currency_sign(rest(from - back));
            if (sign.bytes != back) continue;
            amount.kind = sign.currency;
            return from - back;
        }
        return from;
    }

    /// Units and multipliers, returns where they end.
    std::size_t take_behind(Amount& amount, std::size_t end, bool& optional) const {
        const std::size_t blank = end < plain_.size() && plain_[end] == ' ' ? 1 : 0;
        if (amount.kind.empty() && rest(end + blank).starts_with('%')) {
            amount.kind = "%";
            return end + blank + 1;
        }
        if (const CurrencySign sign = currency_sign(rest(end + blank)); amount.kind.empty() && sign.bytes != 0) {
            amount.kind = sign.currency;
            return end + blank + sign.bytes;
        }
        for (const Word* word = word_behind(end); word != nullptr; word = word_behind(end)) {
            const Word* const second = word_behind(word->end());
            if (second != nullptr && second->folded == "cent" && (word->folded == "per" || word->folded == "pour")) {
                amount.kind = "%";
                return second->end();
            }
            if (!take(amount, word->folded)) {
                optional = amount.kind.empty() && plain_[end] == '-';  // "2-step"
                break;
            }
            end = word->end();
        }
        return end;
    }

    bool read_month() {
        constexpr auto kBefore = std::to_array<std::string_view>(
            {"in",     "since", "until", "till", "by",   "from", "before", "after",  "next", "last", "this",   "of",
             "during", "early", "late",  "im",   "seit", "ab",   "bis",    "anfang", "ende", "en",   "depuis", "fin"});
        const Word& word = words_[at_];
        const MonthName name = month_named(word.folded);
        if (name.month == 0) return false;
        std::size_t begin = word.begin, end = word.end();
        std::optional<int> day = day_before(begin), year;
        std::size_t next = at_ + 1;
        if (const auto number = number_at(next, end); !day && number && *number <= kDays && *number > 0) {
            day = number;
            end = words_[next++].end();
        }
        if (next < words_.size() && words_[next].raw.size() == kYearDigits) {
            if (const auto number = number_at(next, end)) {
                year = number;
                end = words_[next].end();
            }
        }
        if (name.other_words && !day && !year && (at_ == 0 || !is_one_of(words_[at_ - 1].folded, kBefore)))
            return false;
        if (day && begin != word.begin) found_.pop_back();
        std::string value = year ? fmt::format("{:04}", *year) : "-";
        value += fmt::format("-{:02}", name.month);
        if (day) value += fmt::format("-{:02}", *day);
        add({"date", std::move(value), {}, false, {}}, begin, end);
        return true;
    }
    /// "3", "3rd of": what was found last. Moves the beginning there.
    std::optional<int> day_before(std::size_t& begin) const {
        constexpr auto kBetween = std::to_array<std::string_view>({" ", ". ", ".", "-", " of ", " de "});
        if (found_.empty()) return std::nullopt;
        const Found& last = found_.back();
        if (!last.quantity.kind.empty() && last.quantity.kind != "#") return std::nullopt;
        if (!is_one_of(std::string_view(plain_).substr(last.end, begin - last.end), kBetween)) return std::nullopt;
        const auto day = whole(last.quantity.value);
        if (!day || *day < 1 || *day > kDays) return std::nullopt;
        begin = last.begin;
        return day;
    }
    /// The number that a word is, ordinals too, if it follows at once.
    std::optional<int> number_at(std::size_t index, std::size_t end) const {
        if (index >= words_.size() || !is_digit(words_[index].raw.front())) return std::nullopt;
        const std::string_view gap = std::string_view(plain_).substr(end, words_[index].begin - end);
        if (gap != " " && gap != ", " && gap != "-" && gap != ". ") return std::nullopt;
        std::string_view digits = words_[index].folded;
        for (const std::string_view ordinal : {"st", "nd", "rd", "th"}) {
            if (digits.ends_with(ordinal)) digits.remove_suffix(ordinal.size());
        }
        return whole(digits);
    }

    bool read_weekday() {
        const Word& word = words_[at_];
        const int day = weekday_named(word.folded);
        if (day == 0) return false;
        add({"weekday", std::to_string(day), {}, false, {}}, word.begin, word.end());
        return true;
    }

    bool read_spelled() {
        const auto spelled = read_spelled_number(std::span(words_).subspan(at_));
        if (!spelled) return false;
        const std::size_t begin = words_[at_].begin;
        std::size_t end = words_[at_ + spelled->words - 1].end();
        Amount amount{std::to_string(spelled->value), {}, 1, 0, {}};
        bool compound = false;
        if (!spelled->ordinal) end = take_behind(amount, end, compound);
        const bool optional = compound || (spelled->optional && amount.kind.empty());
        std::string value = scaled(amount.value, amount);
        std::string kind(spelled->ordinal ? std::string_view("#") : amount.kind);
        add({std::move(kind), std::move(value), {}, optional, {}}, begin, end);
        return true;
    }

    const std::string& plain_;
    const std::vector<Word>& words_;
    std::size_t at_ = 0;  // word
    std::vector<Found> found_;
};

bool same(const Quantity& a, const Quantity& b) noexcept {
    if (a.kind != b.kind) return false;
    const auto matches = [](const std::string& one, const std::string& other) { return !one.empty() && one == other; };
    return matches(a.value, b.value) || matches(a.value, b.other) || matches(a.other, b.value) ||
           matches(a.other, b.other);
}

}  // namespace

std::vector<Quantity> quantities(const GuardText& text) {
    return Reader(text).read();
}

QuantityDifference difference(std::vector<Quantity> first, std::vector<Quantity> second) {
    constexpr std::size_t kMost = 256;  // of each: the work grows with the product
    const auto [end_first, end_second] = std::mismatch(first.begin(), first.end(), second.begin(), second.end(), same);
    first.erase(first.begin(), end_first);
    second.erase(second.begin(), end_second);
    if (std::max(first.size(), second.size()) > kMost) return {std::move(first), std::move(second)};
    // the firm ones find their counterparts first, so that no optional one takes them away
    for (const bool optional : {false, true}) {
        for (std::size_t i = 0; i < first.size();) {
            const auto found = std::find_if(second.begin(), second.end(), [&](const Quantity& other) {
                return same(first[i], other) && (optional || (!first[i].optional && !other.optional));
            });
            if (found == second.end()) {
                ++i;
                continue;
            }
            second.erase(found);
            first.erase(first.begin() + static_cast<std::ptrdiff_t>(i));
        }
    }
    std::erase_if(first, [](const Quantity& quantity) { return quantity.optional; });
    std::erase_if(second, [](const Quantity& quantity) { return quantity.optional; });
    return {std::move(first), std::move(second)};
}

}  // namespace stele

#include "cache/guards/calendar.hpp"

#include <algorithm>
#include <array>

namespace stele {
namespace {

struct Name {
    std::string_view word;
    int number;
    bool other_words = false;
};

constexpr auto kMonths = std::to_array<Name>({
    {"january", 1},        {"february", 2},     {"march", 3, true},  {"april", 4},      {"may", 5, true},
    {"june", 6},           {"july", 7},         {"august", 8, true}, {"september", 9},  {"october", 10},
    {"november", 11},      {"december", 12},    {"jan", 1, true},    {"feb", 2, true},  {"mar", 3, true},
    {"apr", 4, true},      {"jun", 6, true},    {"jul", 7, true},    {"aug", 8, true},  {"sep", 9, true},
    {"sept", 9, true},     {"oct", 10, true},   {"nov", 11, true},   {"dec", 12, true}, {"januar", 1},
    {"j\u00e4nner", 1},    {"februar", 2},      {"m\u00e4rz", 3},    {"mai", 5, true},  {"juni", 6},
    {"juli", 7},           {"oktober", 10},     {"okt", 10, true},   {"dezember", 12},  {"dez", 12, true},
    {"janvier", 1},        {"f\u00e9vrier", 2}, {"mars", 3, true},   {"avril", 4},      {"juin", 6},
    {"juillet", 7},        {"ao\u00fbt", 8},    {"septembre", 9},    {"octobre", 10},   {"novembre", 11},
    {"d\u00e9cembre", 12},
});

constexpr auto kWeekdays = std::to_array<Name>({
    {"monday", 1},    {"tuesday", 2},     {"wednesday", 3}, {"thursday", 4},   {"friday", 5},    {"saturday", 6},
    {"sunday", 7},    {"mondays", 1},     {"tuesdays", 2},  {"wednesdays", 3}, {"thursdays", 4}, {"fridays", 5},
    {"saturdays", 6}, {"sundays", 7},     {"montag", 1},    {"dienstag", 2},   {"mittwoch", 3},  {"donnerstag", 4},
    {"freitag", 5},   {"samstag", 6},     {"sonnabend", 6}, {"sonntag", 7},    {"montags", 1},   {"dienstags", 2},
    {"mittwochs", 3}, {"donnerstags", 4}, {"freitags", 5},  {"samstags", 6},   {"sonntags", 7},  {"lundi", 1},
    {"mardi", 2},     {"mercredi", 3},    {"jeudi", 4},     {"vendredi", 5},   {"samedi", 6},    {"dimanche", 7},
});

template <std::size_t N>
Name find(const std::array<Name, N>& names, std::string_view word) noexcept {
    const auto* found =
        std::find_if(names.begin(), names.end(), [word](const Name& name) { return name.word == word; });
    return found == names.end() ? Name{word, 0} : *found;
}

}  // namespace

MonthName month_named(std::string_view folded) noexcept {
    const Name found = find(kMonths, folded);
    return {found.number, found.other_words};
}

int weekday_named(std::string_view folded) noexcept {
    return find(kWeekdays, folded).number;
}

}  // namespace stele

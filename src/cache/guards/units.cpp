#include "cache/guards/units.hpp"

#include <algorithm>
#include <array>

namespace stele {
namespace {

// Only units that a number makes one: "in" is a word more often than an inch, "a" more often than an ampere. Months are
// no multiple of days, inches and metres are kept apart although they are exact multiples: nobody asks in both.
constexpr auto kUnits = std::to_array<Unit>({
    {"mm", "m", 1, -3},
    {"cm", "m", 1, -2},
    {"m", "m"},
    {"metre", "m"},
    {"metres", "m"},
    {"meter", "m"},
    {"meters", "m"},
    {"km", "m", 1, 3},
    {"kilometer", "m", 1, 3},
    {"kilometers", "m", 1, 3},
    {"kilometre", "m", 1, 3},
    {"kilometres", "m", 1, 3},
    {"inch", "inch"},
    {"inches", "inch"},
    {"ft", "inch", 12},
    {"foot", "inch", 12},
    {"feet", "inch", 12},
    {"yard", "inch", 36},
    {"yards", "inch", 36},
    {"mile", "mile"},
    {"miles", "mile"},
    {"mg", "g", 1, -3},
    {"g", "g"},
    {"gram", "g"},
    {"grams", "g"},
    {"gramm", "g"},
    {"grammes", "g"},
    {"kg", "g", 1, 3},
    {"kilo", "g", 1, 3},
    {"kilos", "g", 1, 3},
    {"kilogram", "g", 1, 3},
    {"kilograms", "g", 1, 3},
    {"t", "g", 1, 6},
    {"tonne", "g", 1, 6},
    {"tonnes", "g", 1, 6},
    {"oz", "oz"},
    {"ounce", "oz"},
    {"ounces", "oz"},
    {"lb", "oz", 16},
    {"lbs", "oz", 16},
    {"ml", "l", 1, -3},
    {"cl", "l", 1, -2},
    {"dl", "l", 1, -1},
    {"l", "l"},
    {"litre", "l"},
    {"litres", "l"},
    {"liter", "l"},
    {"liters", "l"},
    {"ms", "s", 1, -3},
    {"s", "s"},
    {"sec", "s"},
    {"secs", "s"},
    {"second", "s"},
    {"seconds", "s"},
    {"sekunde", "s"},
    {"sekunden", "s"},
    {"seconde", "s"},
    {"secondes", "s"},
    {"min", "s", 60},
    {"mins", "s", 60},
    {"minute", "s", 60},
    {"minutes", "s", 60},
    {"minuten", "s", 60},
    {"h", "s", 3'600},
    {"hr", "s", 3'600},
    {"hrs", "s", 3'600},
    {"hour", "s", 3'600},
    {"hours", "s", 3'600},
    {"stunde", "s", 3'600},
    {"stunden", "s", 3'600},
    {"heure", "s", 3'600},
    {"heures", "s", 3'600},
    {"day", "s", 86'400},
    {"days", "s", 86'400},
    {"tag", "s", 86'400},
    {"tage", "s", 86'400},
    {"tagen", "s", 86'400},
    {"jour", "s", 86'400},
    {"jours", "s", 86'400},
    {"week", "s", 604'800},
    {"weeks", "s", 604'800},
    {"woche", "s", 604'800},
    {"wochen", "s", 604'800},
    {"semaine", "s", 604'800},
    {"semaines", "s", 604'800},
    {"month", "month"},
    {"months", "month"},
    {"monat", "month"},
    {"monate", "month"},
    {"monaten", "month"},
    {"mois", "month"},
    {"year", "month", 12},
    {"years", "month", 12},
    {"yr", "month", 12},
    {"yrs", "month", 12},
    {"jahr", "month", 12},
    {"jahre", "month", 12},
    {"jahren", "month", 12},
    {"ans", "month", 12},
    {"byte", "byte"},
    {"bytes", "byte"},
    {"kb", "byte", 1, 3},
    {"mb", "byte", 1, 6},
    {"gb", "byte", 1, 9},
    {"tb", "byte", 1, 12},
    {"kib", "kib"},
    {"mib", "kib", 1'024},
    {"gib", "kib", 1'048'576},
    {"mv", "v", 1, -3},
    {"v", "v"},
    {"volt", "v"},
    {"volts", "v"},
    {"kv", "v", 1, 3},
    {"w", "w"},
    {"watt", "w"},
    {"watts", "w"},
    {"kw", "w", 1, 3},
    {"mw", "mw"},
    {"kwh", "kwh"},
    {"hz", "hz"},
    {"khz", "hz", 1, 3},
    {"mhz", "hz", 1, 6},
    {"ghz", "hz", 1, 9},
    {"bar", "bar"},
    {"px", "px"},
    {"pixel", "px"},
    {"pixels", "px"},
    {"c", "celsius"},
    {"celsius", "celsius"},
    {"f", "fahrenheit"},
    {"fahrenheit", "fahrenheit"},
    {"degree", "degree"},
    {"degrees", "degree"},
    {"grad", "degree"},
    {"percent", "%"},
    {"prozent", "%"},
    {"pourcent", "%"},
    {"euro", "eur"},
    {"euros", "eur"},
    {"eur", "eur"},
    {"dollar", "usd"},
    {"dollars", "usd"},
    {"usd", "usd"},
    {"gbp", "gbp"},
    {"quid", "gbp"},
    {"pound", "gbp"},
    {"pounds", "gbp"},
    {"chf", "chf"},
    {"franken", "chf"},
    {"yen", "jpy"},
    {"jpy", "jpy"},
    {"cent", "cent"},
    {"cents", "cent"},
});

struct Multiplier {
    std::string_view name;
    std::uint64_t value;
};
constexpr auto kMultipliers = std::to_array<Multiplier>({
    {"k", 1'000},
    {"thousand", 1'000},
    {"thousands", 1'000},
    {"tausend", 1'000},
    {"mille", 1'000},
    {"hundred", 100},
    {"hundert", 100},
    {"dozen", 12},
    {"dutzend", 12},
    {"million", 1'000'000},
    {"millions", 1'000'000},
    {"millionen", 1'000'000},
    {"mio", 1'000'000},
    {"mn", 1'000'000},
    {"billion", 1'000'000'000},
    {"billions", 1'000'000'000},
    {"bn", 1'000'000'000},
    {"mrd", 1'000'000'000},
    {"milliarden", 1'000'000'000},
    {"milliard", 1'000'000'000},
    {"milliards", 1'000'000'000},
});

constexpr auto kSigns = std::to_array<std::pair<std::string_view, std::string_view>>(
    {{"$", "usd"}, {"\u20ac", "eur"}, {"\u00a3", "gbp"}, {"\u00a5", "jpy"}, {"\u20b9", "inr"}});

}  // namespace

const Unit* find_unit(std::string_view folded) noexcept {
    const auto* found =
        std::find_if(kUnits.begin(), kUnits.end(), [folded](const Unit& unit) { return unit.name == folded; });
    return found == kUnits.end() ? nullptr : found;
}

std::uint64_t multiplier(std::string_view folded) noexcept {
    const auto* found = std::find_if(kMultipliers.begin(), kMultipliers.end(),
                                     [folded](const Multiplier& one) { return one.name == folded; });
    return found == kMultipliers.end() ? 0 : found->value;
}

CurrencySign currency_sign(std::string_view text) noexcept {
    for (const auto& [sign, currency] : kSigns) {
        if (text.starts_with(sign)) return {currency, sign.size()};
    }
    return {};
}

}  // namespace stele

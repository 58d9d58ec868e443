#include "cache/guards/opposites.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <set>
#include <string_view>

namespace stele {
namespace {

/// Stems, apart by blanks; two words joined by "+" must follow one another, with at most four others between.
struct Axis {
    std::string_view one, other;
};

// Where a word has other uses ("right", "up", "on"), both sides must be used: one question says only one, the other
// only the other. What two people do when they do the same is missing for good: "do you sell" and "can I buy" ask one
// thing. Written as stem() leaves them.
constexpr auto kAxes = std::to_array<Axis>({
    {"enabl activat turn+on switch+on power+on", "disabl deactivat turn+off switch+off power+off"},
    {"add insert append attach", "remov delet drop detach exclud"},
    {"creat", "delet destroy"},
    {"increas rais grow", "decreas reduc lower shrink"},
    {"more", "less fewer"},
    {"most", "least fewest"},
    {"too+much too+many", "too+littl too+few"},
    {"befor", "after"},
    {"open", "clos shut"},
    {"start begin launch", "stop end quit abort"},
    {"log+in login sign+in signin", "log+out logout sign+out signout log+off logoff"},
    {"check+in", "check+out checkout"},
    {"opt+in", "opt+out"},
    {"lock", "unlock"},
    {"connect pair", "disconnect unpair"},
    {"instal", "uninstal"},
    {"upgrad", "downgrad"},
    {"upload", "download"},
    {"import", "export"},
    {"push", "pull"},
    {"encrypt", "decrypt"},
    {"encod", "decod"},
    {"compres zip", "decompres unzip extract"},
    {"serializ", "deserializ"},
    {"accept approv", "reject declin"},
    {"allow permit", "forbid deny block prohibit ban"},
    {"show display reveal", "hid hidden"},
    {"deposit", "withdraw"},
    {"credit", "debit"},
    {"hire", "fire"},
    {"arriv arrival", "depart departur leav"},
    {"pas", "fail"},
    {"succes succeed", "failur fail"},
    {"win", "lose"},
    {"first", "last"},
    {"minimum min smallest shortest", "maximum max biggest largest longest"},
    {"highest", "lowest"},
    {"oldest", "newest latest"},
    {"earliest", "latest"},
    {"next", "previou"},
    {"left", "right"},
    {"up", "down"},
    {"abov over", "below under"},
    {"inside", "outside"},
    {"internal", "external"},
    {"input", "output"},
    {"public", "privat"},
    {"onlin", "offlin"},
    {"true", "fals"},
    {"positiv", "negativ"},
    {"hot", "cold"},
    {"warm heat", "cool"},
    {"big larg", "smal littl"},
    {"long", "short"},
    {"fast quick", "slow"},
    {"cheap", "expensiv"},
    {"early", "late"},
    {"old", "new"},
    {"easy", "hard difficult"},
    {"best", "worst"},
    {"full", "empty"},
    {"pro pros", "con cons"},
    {"strength", "weaknes"},
    {"ascend", "descend"},
    {"resum unpaus continu", "paus suspend"},
    {"freez", "thaw defrost"},
    {"yesterday", "tomorrow"},
    {"encourag", "discourag"},
    {"aktivieren einschalten anschalten", "deaktivieren ausschalten abschalten"},
    {"hinzuf\u00fcgen", "entfernen l\u00f6schen"},
    {"\u00f6ffnen", "schliessen"},
    {"starten beginnen", "stoppen beenden"},
    {"erh\u00f6hen", "verringern senken reduzieren"},
    {"anmelden einloggen", "abmelden ausloggen"},
    {"erlauben", "verbieten"},
    {"sperren", "entsperren"},
    {"verbinden", "trennen"},
    {"anzeigen", "ausblenden verbergen"},
    {"bevor vorher", "nachdem nachher"},
    {"mehr", "weniger"},
    {"gross", "klein"},
    {"heis", "kalt"},
    {"activer", "d\u00e9sactiver"},
    {"ajouter", "supprimer enlever retirer"},
    {"ouvrir", "fermer"},
    {"d\u00e9marrer commencer", "arr\u00eater"},
    {"augmenter", "diminuer r\u00e9duire"},
    {"avant", "apr\u00e8"},
    {"connecter", "d\u00e9connecter"},
    {"autoriser", "interdire"},
    {"afficher", "masquer"},
    {"premier premi\u00e8re", "dernier derni\u00e8re"},
});

// Words that begin like a negation and are none, and those that the guard counts as negations.
constexpr auto kNoNegations = std::to_array<std::string_view>(
    {"install", "input",    "inform",     "instance",  "include",    "income",   "inside",  "increase", "intend",
     "index",   "invoice",  "involve",    "insure",    "instead",    "discount", "display", "discover", "dispatch",
     "discuss", "distance", "disk",       "unable",    "impossible", "under",    "until",   "unless",   "union",
     "unit",    "unique",   "understand", "universal", "inquire",    "insight",  "inlet"});

using Stems = std::vector<std::string>;

Stems stems_of(const GuardText& text) {
    Stems stems;
    for (const Word& word : text.words()) stems.push_back(stem(word.folded));
    return stems;
}

bool has_pair(const Stems& stems, std::string_view first, std::string_view second) {
    constexpr std::size_t kApart = 5;
    for (std::size_t i = 0; i < stems.size(); ++i) {
        if (stems[i] != first) continue;
        for (std::size_t k = i + 1; k < stems.size() && k <= i + kApart; ++k) {
            if (stems[k] == second) return true;
        }
    }
    return false;
}

// The first of the words, apart by blanks, that occurs; empty: none does.
std::string_view used(std::string_view side, const Stems& stems) {
    while (!side.empty()) {
        const std::size_t end = std::min(side.find(' '), side.size());
        const std::string_view word = side.substr(0, end);
        side.remove_prefix(std::min(end + 1, side.size()));
        const std::size_t plus = word.find('+');
        const bool found = plus == std::string_view::npos
                               ? std::find(stems.begin(), stems.end(), word) != stems.end()
                               : has_pair(stems, word.substr(0, plus), word.substr(plus + 1));
        if (found) return word;
    }
    return {};
}

bool contains(const Stems& stems, std::string_view word) {
    return std::find(stems.begin(), stems.end(), word) != stems.end();
}

// "unavailable" in one, "available" in the other
void add_prefixed(const GuardText& with, const Stems& with_stems, const Stems& without_stems,
                  std::set<std::string>& found) {
    constexpr std::size_t kShortest = 4;
    for (const Word& word : with.words()) {
        const bool none = std::any_of(kNoNegations.begin(), kNoNegations.end(),
                                      [&](std::string_view other) { return word.folded.starts_with(other); });
        if (none) continue;
        for (const std::string_view prefix : {"un", "dis", "in", "non", "im", "ent"}) {
            if (!word.folded.starts_with(prefix) || word.folded.size() < prefix.size() + kShortest) continue;
            const std::string rest = stem(std::string_view(word.folded).substr(prefix.size()));
            if (contains(without_stems, rest) && !contains(with_stems, rest)) {
                found.insert(fmt::format("{} / {}", word.folded.substr(prefix.size()), word.folded));
            }
        }
    }
}

// "from Rome to Paris" in one, "from Paris to Rome" in the other
void add_directions(const GuardText& first, const GuardText& second, std::vector<std::string>& found) {
    const std::vector<Word>& words = first.words();
    for (std::size_t i = 1; i + 1 < words.size(); ++i) {
        const std::string& between = words[i].folded;
        if (between != "to" && between != "into" && between != "nach" && between != "vers") continue;
        const std::string& from = words[i - 1].folded;
        const std::string& to = words[i + 1].folded;
        const std::string back = fmt::format(" {} {} {} ", to, between, from);
        if (from != to && second.spaced().find(back) != std::string::npos) {
            found.push_back(fmt::format("{} {} {} / {} {} {}", from, between, to, to, between, from));
        }
    }
}

}  // namespace

std::vector<std::string> opposites_between(const GuardText& first, const GuardText& second) {
    const Stems a = stems_of(first), b = stems_of(second);
    std::set<std::string> found;
    add_prefixed(first, a, b, found);
    add_prefixed(second, b, a, found);
    std::vector<std::string> all(found.begin(), found.end());
    const bool prefixed = !all.empty();  // the table has some of them, too
    for (const Axis& axis : kAxes) {
        if (prefixed) break;
        const std::string_view one_a = used(axis.one, a), other_a = used(axis.other, a);
        const std::string_view one_b = used(axis.one, b), other_b = used(axis.other, b);
        if (!one_a.empty() && other_a.empty() && one_b.empty() && !other_b.empty()) {
            all.push_back(fmt::format("{} / {}", one_a, other_b));
        } else if (one_a.empty() && !other_a.empty() && !one_b.empty() && other_b.empty()) {
            all.push_back(fmt::format("{} / {}", other_a, one_b));
        }
    }
    add_directions(first, second, all);
    return all;
}

}  // namespace stele

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "cache/guards/opposites.hpp"
#include "stele/guard.hpp"

namespace stele {
namespace {

// Words that negate, and contractions whose apostrophe was left out.
constexpr auto kNegations = std::to_array<std::string_view>(
    {"not",     "no",      "never",  "cannot",  "cant",    "dont",    "doesnt",   "didnt",      "isnt",
     "arent",   "wasnt",   "werent", "wont",    "wouldnt", "couldnt", "shouldnt", "hasnt",      "havent",
     "without", "nothing", "nobody", "nowhere", "neither", "none",    "unable",   "impossible", "nicht",
     "nie",     "niemals", "ohne",   "nichts",  "niemand", "weder",   "kein",     "keine",      "keinen",
     "keinem",  "keiner",  "keines", "pas",     "jamais",  "sans",    "rien",     "aucun",      "aucune"});
// Failing is as good as not working, and forgetting as not knowing: such a word may stand for a negation.
constexpr auto kFailures = std::to_array<std::string_view>(
    {"fail",   "fails",     "failed",   "failing", "refuse",      "refuses", "refused", "forgot",   "forgotten",
     "forget", "lost",      "lose",     "missing", "miss",        "broken",  "broke",   "stopped",  "stop",
     "stops",  "lack",      "lacks",    "avoid",   "prevent",     "out",     "problem", "problems", "trouble",
     "wrong",  "error",     "dead",     "stuck",   "empty",       "nothing", "gone",    "instead",  "free",
     "fehlt",  "vergessen", "verloren", "kaputt",  "oubli\u00e9", "perdu",   "panne"});
// "Do I need a filter?" and "can I use it without a filter?" ask the same.
constexpr auto kNeeds = std::to_array<std::string_view>({"need", "needs", "needed", "require", "requires", "required",
                                                         "must", "necessary", "have", "mandatory", "compulsory",
                                                         "optional", "brauche", "brauchen", "muss", "faut"});
// "I do not know how to", "I can't find": says something of the asker only.
constexpr auto kOfTheAsker = std::to_array<std::string_view>({"know", "sure", "idea", "understand", "find", "figure",
                                                              "clue", "certain", "decide", "seem", "matter", "mind",
                                                              "doubt", "sicher", "weiss", "finde", "sais", "trouve"});
constexpr auto kPronouns =
    std::to_array<std::string_view>({"i", "you", "we", "they", "it", "he", "she", "there", "this", "that"});

bool is_contraction(std::string_view word) noexcept {
    return word.ends_with("n't") || (word.size() > 3 && word.ends_with("nt") && is_one_of(word, kNegations));
}

struct Negations {
    std::size_t count = 0;
    bool failure = false, without = false, need = false;
    std::string_view word{};  ///< one of them, as written
};

Negations negations(const GuardText& text) {
    constexpr std::size_t kReach = 2;  // words
    Negations found;
    const std::vector<Word>& words = text.words();
    for (std::size_t i = 0; i < words.size(); ++i) {
        const std::string& word = words[i].folded;
        found.failure = found.failure || is_one_of(word, kFailures);
        found.need = found.need || is_one_of(word, kNeeds);
        if (!is_contraction(word) && !is_one_of(word, kNegations)) continue;
        const bool pronoun_next = i + 1 < words.size() && is_one_of(words[i + 1].folded, kPronouns);
        const bool last_pair = i + 2 == words.size();
        // "can't I pay by card?" asks what "can I pay by card?" does; so does "it works, doesn't it?"
        if (is_contraction(word) && pronoun_next && (words[i].opens || last_pair)) continue;
        const std::string_view behind = std::string_view(text.plain()).substr(words[i].end());
        if (word == "no" && (behind.starts_with(',') || behind.starts_with(". "))) continue;  // "no, thanks", "no. 5"
        if (word == "not" && i > 0 && words[i - 1].folded == "or") continue;
        bool of_the_asker = false;
        for (std::size_t k = i + 1; k < words.size() && k <= i + kReach; ++k) {
            of_the_asker = of_the_asker || is_one_of(words[k].folded, kOfTheAsker);
        }
        if (of_the_asker && word != "without" && word != "never") continue;
        found.without = found.without || word == "without" || word == "ohne" || word == "sans";
        found.word = words[i].raw;
        ++found.count;
    }
    return found;
}

std::optional<Refusal> check_negations(const GuardedPair& pair) {
    const GuardText asked_text(pair.asked), stored_text(pair.stored);
    const Negations asked = negations(asked_text), stored = negations(stored_text);
    const std::vector<std::string> opposites = opposites_between(asked_text, stored_text);
    // one that is said again is no double negation; none at all in the other question makes it one
    const bool uneven = asked.count % 2 != stored.count % 2 && std::min(asked.count, stored.count) == 0;
    if (opposites.empty()) {
        if (!uneven || asked.failure || stored.failure) return std::nullopt;
        if ((asked.without && stored.need) || (stored.without && asked.need)) return std::nullopt;
        const bool more = asked.count > stored.count;
        return Refusal{RefusalKind::negation, fmt::format("'{}' is only in the question that is {}",
                                                          more ? asked.word : stored.word, more ? "asked" : "stored")};
    }
    // "do not enable" and "disable" are the same
    if (uneven && opposites.size() == 1) return std::nullopt;
    return Refusal{RefusalKind::negation, fmt::format("asked and stored are opposites: {}", opposites.front())};
}

}  // namespace

inline namespace v0 {

Guard negation_guard() {
    return {"negation", check_negations};
}

}  // namespace v0
}  // namespace stele

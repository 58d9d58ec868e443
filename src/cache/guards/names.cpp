#include "cache/guards/names.hpp"

#include <utf8proc.h>

#include <algorithm>
#include <array>
#include <optional>
#include <string_view>

#include "base/text.hpp"
#include "cache/guards/calendar.hpp"
#include "cache/guards/quantities.hpp"
#include "cache/guards/units.hpp"

namespace stele {
namespace {

// Words that are written in capitals to shout, or with one out of politeness, and name nothing.
constexpr auto kNoNames = std::to_array<std::string_view>(
    {"i",    "i'm",  "i've",  "i'd",   "i'll",  "a",     "an",   "and",    "any",     "all",   "am",   "are",
     "as",   "asap", "at",    "be",    "but",   "by",    "can",  "do",     "does",    "faq",   "for",  "from",
     "go",   "has",  "have",  "he",    "hello", "help",  "hi",   "how",    "if",      "in",    "is",   "it",
     "me",   "mr",   "mrs",   "ms",    "my",    "never", "new",  "no",     "not",     "now",   "of",   "off",
     "ok",   "on",   "one",   "only",  "or",    "our",   "out",  "please", "sir",     "madam", "so",   "thanks",
     "that", "the",  "this",  "to",    "too",   "two",   "up",   "urgent", "us",      "very",  "was",  "we",
     "what", "when", "where", "which", "who",   "why",   "will", "with",   "without", "you",   "your", "english",
     "btw",  "fyi",  "imo",   "thx",   "pls",   "wtf",   "omg",  "lol"});

// In German every noun has a capital, so that capitals tell nothing.
constexpr auto kGermanWords = std::to_array<std::string_view>(
    {"der",      "das",  "und",  "ich", "wie",  "kann",  "nicht", "mein", "meine", "meinen",
     "f\u00fcr", "mit",  "auf",  "ein", "eine", "einen", "ist",   "sind", "wo",    "wann",
     "warum",    "wird", "wenn", "zu",  "den",  "dem",   "von",   "es",   "sie",   "bitte"});

std::int32_t first_of(std::string_view text) noexcept {
    utf8proc_int32_t c = -1;
    utf8proc_iterate(reinterpret_cast<const utf8proc_uint8_t*>(text.data()), static_cast<utf8proc_ssize_t>(text.size()),
                     &c);
    return c;
}

bool is_capital(std::string_view word) noexcept {
    return !word.empty() && utf8proc_category(first_of(word)) == UTF8PROC_CATEGORY_LU;
}

struct Letters {
    std::size_t capitals = 0, others = 0, digits = 0;
    bool hump = false;  ///< a capital behind a small letter
};

Letters letters_of(std::string_view text) {
    Letters letters;
    bool small_before = false;
    while (!text.empty()) {
        utf8proc_int32_t c = -1;
        const auto length = utf8proc_iterate(reinterpret_cast<const utf8proc_uint8_t*>(text.data()),
                                             static_cast<utf8proc_ssize_t>(text.size()), &c);
        if (length <= 0) break;
        text.remove_prefix(static_cast<std::size_t>(length));
        const auto category = utf8proc_category(c);
        const bool capital = category == UTF8PROC_CATEGORY_LU, small = category == UTF8PROC_CATEGORY_LL;
        letters.capitals += capital ? 1 : 0;
        letters.digits += category == UTF8PROC_CATEGORY_ND ? 1 : 0;
        letters.others += small || category == UTF8PROC_CATEGORY_LO ? 1 : 0;
        letters.hump = letters.hump || (capital && small_before);
        small_before = small;
    }
    return letters;
}

/// Whether capitals tell names in this text.
bool capitals_tell(const GuardText& text) {
    std::size_t german = 0, capitals = 0, inside = 0;
    for (const Word& word : text.words()) {
        german += is_one_of(word.folded, kGermanWords) ? 1 : 0;
        if (word.opens) continue;
        ++inside;
        capitals += is_capital(word.raw) ? 1 : 0;
    }
    constexpr std::size_t kGermanEnough = 2, kFew = 4;
    if (german >= kGermanEnough) return false;
    return inside < kFew || capitals * 2 <= inside;  // else it is a headline, or shouted
}

bool is_shouted(const GuardText& text) {
    const Letters letters = letters_of(text.plain());
    return letters.capitals > letters.others;
}

/// A run without blanks, its punctuation at the ends taken off.
struct Chunk {
    std::string_view text;
    std::size_t begin = 0;
};

std::vector<Chunk> chunks(std::string_view plain) {
    constexpr std::string_view kAround = ".,;:!?()[]{}<>\"'`*=&|+";
    std::vector<Chunk> all;
    for (std::size_t at = 0; at < plain.size();) {
        const std::size_t begin = plain.find_first_not_of(" \t\r\n", at);
        if (begin == std::string_view::npos) break;
        const std::size_t end = std::min(plain.find_first_of(" \t\r\n", begin), plain.size());
        at = end;
        std::size_t first = begin, last = end;
        while (first < last && kAround.find(plain[first]) != std::string_view::npos) ++first;
        while (last > first && kAround.find(plain[last - 1]) != std::string_view::npos) --last;
        if (first < last) all.push_back({plain.substr(first, last - first), first});
    }
    return all;
}

// "5kg", "3rd", "10:30", "1,000", "2024-03-03": the number guard's
bool is_amount(std::string_view chunk) {
    const bool digits_first = is_digit(chunk.front()) ||
                              (chunk.front() == '-' && chunk.size() > 1 && is_digit(chunk[1])) ||
                              currency_sign(chunk).bytes != 0;
    if (!digits_first) return false;
    const GuardText text(chunk);
    const std::vector<Quantity> found = quantities(text);
    return !found.empty() && found.front().shown.size() + 1 >= chunk.size();
}

// "BW-1234", "550e8400-e29b-...", not "2-step"
bool has_code_part(std::string_view chunk) {
    if (chunk.find('-') == std::string_view::npos) return false;
    if (!is_digit(chunk.front()) && chunk.front() != '-') return true;
    while (!chunk.empty()) {
        const std::size_t end = std::min(chunk.find('-'), chunk.size());
        const std::string_view part = chunk.substr(0, end);
        chunk.remove_prefix(std::min(end + 1, chunk.size()));
        const Letters letters = letters_of(part);
        if (letters.digits > 0 && letters.others + letters.capitals > 0 && !is_amount(part)) return true;
    }
    return false;
}

bool is_identifier(std::string_view chunk) {
    const Letters letters = letters_of(chunk);
    const std::size_t all = letters.capitals + letters.others;
    if (all == 0 && chunk.find("::") == std::string_view::npos) return false;
    if (is_amount(chunk)) return false;
    if (letters.digits > 0 && all > 0 && chunk.find('-') == std::string_view::npos) return true;
    if (letters.hump) return true;
    for (const std::string_view mark : {"_", "@", "::", "://", "()", "\\", "->"}) {
        if (chunk.find(mark) != std::string_view::npos) return true;
    }
    if (chunk.starts_with("--") || chunk.starts_with("/") || chunk.starts_with("./") || chunk.starts_with("~/")) {
        return chunk.size() > 2;
    }
    // "foo.bar", not "e.g"
    for (std::size_t dot = chunk.find('.', 1); dot != std::string_view::npos && dot + 1 < chunk.size();
         dot = chunk.find('.', dot + 1)) {
        const std::size_t before = chunk.find_last_of("./", dot - 1);
        const std::size_t length = dot - (before == std::string_view::npos ? 0 : before + 1);
        if (length > 1 && is_word_byte(chunk[dot + 1]) && is_word_byte(chunk[dot - 1])) return true;
    }
    return letters.digits > 1 && has_code_part(chunk);
}

/// Gathers names, each once.
class Gatherer {
public:
    explicit Gatherer(const GuardText& text) : text_(text) {}

    std::vector<Name> gather() {
        add_quoted();
        for (const Chunk& chunk : chunks(text_.plain())) {
            if (is_identifier(chunk.text)) add(chunk.text);
        }
        const bool tell = capitals_tell(text_), shouted = is_shouted(text_);
        const std::vector<Word>& words = text_.words();
        for (std::size_t i = 0; i < words.size(); ++i) {
            const Word& word = words[i];
            if (is_plain_word(word)) continue;
            const Letters letters = letters_of(word.raw);
            const bool acronym = letters.capitals > 1 && letters.others == 0 && !shouted;
            if (!acronym && (!tell || word.opens || letters.others == 0)) continue;
            // "Wi-Fi" is one name
            std::size_t last = i;
            while (last + 1 < words.size() && words[last + 1].begin == words[last].end() + 1 &&
                   text_.plain()[words[last].end()] == '-') {
                ++last;
            }
            add(last == i ? name_of(word)
                          : std::string_view(text_.plain()).substr(word.begin, words[last].end() - word.begin));
            i = last;
        }
        return std::move(found_);
    }

private:
    static bool is_plain_word(const Word& word) {
        return !is_capital(word.raw) || is_one_of(word.folded, kNoNames) || month_named(word.folded).month != 0 ||
               weekday_named(word.folded) != 0;
    }
    static std::string_view name_of(const Word& word) {
        return word.raw.ends_with("'s") ? word.raw.substr(0, word.raw.size() - 2) : word.raw;
    }
    void add_quoted() {
        const std::string_view plain = text_.plain();
        for (const char mark : {'"', '`'}) {
            std::size_t from = 0;
            for (;;) {
                const std::size_t open = plain.find(mark, from);
                if (open == std::string_view::npos) break;
                const std::size_t close = plain.find(mark, open + 1);
                if (close == std::string_view::npos) break;
                add(plain.substr(open + 1, close - open - 1));
                from = close + 1;
            }
        }
    }
    void add(std::string_view shown) {
        Name name{std::string(shown), spaced_words(shown)};
        const auto same = [&name](const Name& other) { return other.spaced == name.spaced; };
        if (name.spaced != " " && std::none_of(found_.begin(), found_.end(), same)) found_.push_back(std::move(name));
    }

    const GuardText& text_;
    std::vector<Name> found_;
};

}  // namespace

std::vector<Name> names(const GuardText& text) {
    return Gatherer(text).gather();
}

bool occurs(const Name& name, const GuardText& text) {
    const std::string& all = text.spaced();
    if (all.find(name.spaced) != std::string::npos) return true;
    std::string joined = name.spaced;
    std::erase(joined, ' ');
    if (all.find(' ' + joined + ' ') != std::string::npos) return true;
    const std::string_view words = std::string_view(name.spaced).substr(0, name.spaced.size() - 1);
    for (const std::string_view ending : {"s ", "'s "}) {
        if (all.find(std::string(words).append(ending)) != std::string::npos) return true;
    }
    return words.ends_with('s') && all.find(std::string(words.substr(0, words.size() - 1)) + ' ') != std::string::npos;
}

}  // namespace stele

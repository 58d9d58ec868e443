// A hybrid search: its request checked, its query embedded and taken for words, the rest left to a store.
#include <fmt/format.h>

#include <algorithm>

#include "base/result.hpp"
#include "base/text.hpp"
#include "index/index_search.hpp"

namespace stele {
namespace {

constexpr double kMostNumber = 1'000'000;

void check_positive(std::string_view what, double value) {
    if (value > 0 && value <= kMostNumber) return;
    raise(ErrorCode::invalid_argument,
          fmt::format("{} is {}; it must be more than 0, up to {:.0f}", what, value, kMostNumber));
}

void check_request(const detail::HybridRequest& request, const VectorIndexOptions& options) {
    if (options.text.empty()) {
        raise(ErrorCode::invalid_argument,
              fmt::format("the index \"{}\" is opened without members to look for words in: name them in "
                          "VectorIndexOptions::text, as in {{.text = {{field(&Page::body)}}}}",
                          options.table));
    }
    check_search_limit(request.limit);
    check_score_threshold(request.score_threshold);
    check_positive("k", request.k);
    check_positive("vector_weight", request.vector_weight);
    check_positive("text_weight", request.text_weight);
    if (request.candidates && (*request.candidates < request.limit || *request.candidates > kMaxLimit)) {
        raise(ErrorCode::invalid_argument, fmt::format("candidates is {}; it must be {}, which is the limit, to {}",
                                                       *request.candidates, request.limit, kMaxLimit));
    }
}

bool is_blank(const std::string& text) {
    return collapse_blanks(text).empty();
}

/// The same query with fewer negations in a row, which a rule of dashes is: PostgreSQL refuses more than some thirty.
std::string without_rules(std::string_view words) {
    constexpr std::size_t kHarmless = 3;
    constexpr std::string_view kBetween = " \t\r\n!&|()";
    std::string text;
    while (!words.empty()) {
        std::size_t dashes = 0, end = 0;
        for (std::size_t at = 0; at < words.size() && words[at] == '-';) {
            ++dashes;
            end = at + 1;
            at = std::min(words.find_first_not_of(kBetween, end), words.size());
        }
        if (dashes > kHarmless) {
            text.append(2 + dashes % 2, '-');
        } else {
            end = std::max<std::size_t>(end, 1);
            text += words.substr(0, end);
        }
        words.remove_prefix(end);
    }
    return text;
}

void check_words(std::string_view words) {
    check_text("the words", words);
    constexpr std::size_t kMost = 16'384;  // for a few times as many PostgreSQL's stack is too small
    if (words.size() <= kMost) return;
    raise(ErrorCode::limit_exceeded,
          fmt::format("the words to look for have {} bytes, and may have {}: give those that matter in "
                      "HybridOptions::words",
                      words.size(), kMost));
}

class HybridSearch {
public:
    HybridSearch(IndexStore& store, const IndexEmbedders& embedders, const VectorIndexOptions& options,
                 const IndexInput& query, const detail::HybridRequest& request)
        : store_(store), request_(request), until_(request.deadline.value_or(store.default_deadline())) {
        check_request(request, options);
        const IndexInput input = check_query(query);
        words_ = words_of(input);
        query_ = embed_query(embedders, input, until_);
    }

    SearchResult<detail::HybridMatch> run() const {
        const WordsQuery words = half();
        FusedAnswer found = store_.fused(nearest(words), until_);
        const bool full = found.matches.size() == words.limit;
        const Completeness exact = full ? Completeness::complete : Completeness::exhausted;
        return {std::move(found.matches), found.exact ? exact : Completeness::stopped_at_budget};
    }
    SearchPlan explain() const {
        const WordsQuery words = half();
        return store_.explain(nearest(words), until_);
    }

private:
    std::string words_of(const IndexInput& query) const {
        const auto* text = std::get_if<std::string>(&query.value());
        if (text != nullptr && is_blank(*text)) {
            raise(ErrorCode::invalid_argument, "the query is blank: there is nothing to look for");
        }
        if (text == nullptr && !request_.words) {
            raise(ErrorCode::invalid_argument,
                  "the query is no text, so it has no words to look for: give them in HybridOptions::words");
        }
        const std::string& words = request_.words ? *request_.words : *text;
        check_words(words);
        return without_rules(words);
    }
    WordsQuery half() const {
        return {words_, static_cast<std::size_t>(request_.limit), request_.k, request_.vector_weight,
                request_.text_weight};
    }
    NearestQuery nearest(const WordsQuery& words) const {
        constexpr std::int64_t kTimes = 3, kLeast = 50;
        const std::int64_t usual = std::clamp(kTimes * request_.limit, kLeast, kMaxLimit);
        const auto candidates = static_cast<std::size_t>(request_.candidates.value_or(usual));
        return {query_.frame, query_.vector,  request_.filter, candidates, request_.score_threshold,
                false,        request_.exact, &words};
    }

    IndexStore& store_;
    const detail::HybridRequest& request_;
    const Deadline until_;
    std::string words_;
    EmbeddedQuery query_;
};

}  // namespace

SearchResult<detail::HybridMatch> search_hybrid(IndexStore& store, const IndexEmbedders& embedders,
                                                const VectorIndexOptions& options, const IndexInput& query,
                                                const detail::HybridRequest& request) {
    return HybridSearch(store, embedders, options, query, request).run();
}

SearchPlan explain_hybrid(IndexStore& store, const IndexEmbedders& embedders, const VectorIndexOptions& options,
                          const IndexInput& query, const detail::HybridRequest& request) {
    return HybridSearch(store, embedders, options, query, request).explain();
}

}  // namespace stele

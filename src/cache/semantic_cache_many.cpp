// The part of the cache's face that is about many questions at once.
#include <fmt/format.h>

#include <algorithm>
#include <map>

#include "base/hash.hpp"
#include "base/result.hpp"
#include "cache/cache_checks.hpp"
#include "cache/semantic_cache_impl.hpp"

namespace stele {
inline namespace v0 {
namespace {

Exact known_of(const GetOutcome& outcome) {
    return outcome.expired ? Exact::expired : outcome.outdated ? Exact::outdated : Exact::absent;
}

/// Says which one it is about.
[[noreturn]] void raise_of(std::size_t place, std::size_t all, const Error& error) {
    ErrorInfo info = error.info();
    info.message = fmt::format("answer {} of {}: {}", place + 1, all, info.message);
    raise(std::move(info));
}

}  // namespace

struct SemanticCache::Impl::Prepared {
    const NewAnswer* answer;
    std::size_t place;
    std::string text, hash;
    std::vector<std::string> tags;
    std::vector<Dependency> depends_on;
    std::vector<float> vector;
};

std::vector<SemanticCache::Impl::Prepared> SemanticCache::Impl::prepare(std::span<const NewAnswer> answers,
                                                                        const Scope& scope) const {
    std::vector<Prepared> prepared;
    std::map<std::string, std::size_t> by_hash;
    for (std::size_t i = 0; i < answers.size(); ++i) {
        const NewAnswer& answer = answers[i];
        if (skips(answer.query, answer.options.turns, scope)) {
            ++shared->skipped;
            continue;
        }
        try {
            check_put(answer.query, answer.response, answer.options, options);
            Prepared one{.answer = &answer,
                         .place = i,
                         .text = key_text(answer.query),
                         .hash = {},
                         .tags = checked_tags(answer.options.tags),
                         .depends_on = checked_dependencies(answer.options.depends_on),
                         .vector = {}};
            one.hash = query_hash(one.text);
            const auto [known, added] = by_hash.try_emplace(one.hash, prepared.size());
            if (added) {
                prepared.push_back(std::move(one));
            } else {
                prepared[known->second] = std::move(one);
            }
        } catch (const Error& error) {
            raise_of(i, answers.size(), error);
        }
    }
    return prepared;
}

void SemanticCache::Impl::embed(std::vector<Prepared>& prepared, std::size_t all, Deadline until) {
    std::vector<std::string> texts;
    std::vector<Prepared*> without;
    for (Prepared& one : prepared) {
        if (!one.answer->options.embedding) {
            texts.push_back(one.text);
            without.push_back(&one);
            continue;
        }
        try {
            one.vector = vector_for(one.text, one.answer->options, until);
        } catch (const Error& error) {
            raise_of(one.place, all, error);
        }
    }
    std::vector<std::vector<float>> vectors = vectors_for(texts, until);
    for (std::size_t i = 0; i < without.size(); ++i) without[i]->vector = std::move(vectors[i]);
}

std::vector<ManyLookup> SemanticCache::get_many(std::span<const std::string> queries, const Scope& scope,
                                                const GetOptions& options) {
    Impl& impl = *impl_;
    impl.check_open();
    check_threshold(options.similarity_threshold);
    if (options.embedding) {
        raise(ErrorCode::invalid_argument, "get_many takes no vector, since it is of many questions; leave it out");
    }
    const Deadline until = impl.deadline(options.deadline);
    std::vector<ManyLookup> answers(queries.size());
    std::vector<GetRequest> requests;
    std::vector<std::size_t> places;
    for (std::size_t i = 0; i < queries.size(); ++i) {
        try {
            GetRequest request = impl.request(queries[i], scope);
            const bool skipped = !options.bypass && impl.skips(queries[i], options.turns, scope);
            if (options.bypass || skipped) {
                GetOutcome outcome;
                outcome.miss = skipped ? MissReason::skipped : MissReason::bypass;
                answers[i].lookup.miss = outcome.miss;
                impl.count(outcome, request.name_space);
                continue;
            }
            requests.push_back(std::move(request));
            places.push_back(i);
        } catch (const Error& error) {
            answers[i].error = error.info();
        }
    }
    std::vector<GetOutcome> outcomes = impl.look_up_many(requests, scope, options, until);
    for (std::size_t i = 0; i < outcomes.size(); ++i) {
        if (impl.options.mneme_compatible) impl.remove_invalid(outcomes[i], requests[i].name_space, until);
        impl.count(outcomes[i], requests[i].name_space);
        answers[places[i]].lookup = {std::move(outcomes[i].hit), outcomes[i].miss};
    }
    return answers;
}

std::vector<GetOutcome> SemanticCache::Impl::look_up_many(std::vector<GetRequest>& requests, const Scope& scope,
                                                          const GetOptions& get, Deadline until) {
    std::vector<GetOutcome> outcomes;
    try {
        outcomes = store->get_exact(requests, until);
    } catch (const Error& error) {
        return std::vector<GetOutcome>(requests.size(), outcome_of(error));
    }
    std::vector<std::size_t> open;  // whose answer is looked for by meaning
    std::vector<std::string_view> texts;
    for (std::size_t i = 0; i < requests.size(); ++i) {
        if (outcomes[i].hit) {
            shared->guards.set_confidence(*outcomes[i].hit);
        } else if (store->dimension() != 0 && embedder != nullptr) {
            open.push_back(i);
            texts.push_back(requests[i].query);
        }
    }
    if (open.empty()) return outcomes;
    std::vector<Embedding> embeddings;
    try {
        embeddings = embedder->embed(texts, until);
    } catch (const std::exception& error) {  // somebody else's embedder
        store->log(LogLevel::warning,
                   fmt::format("Embedder failed, {} gets are misses: {}", open.size(), error.what()));
        for (const std::size_t i : open) outcomes[i].miss = MissReason::embedder_failure;
        return outcomes;
    }
    std::vector<GetRequest> asked;
    std::vector<std::size_t> places;
    for (std::size_t i = 0; i < open.size(); ++i) {
        if (embeddings.at(i).truncated) {
            outcomes[open[i]].miss = MissReason::truncated;
            continue;
        }
        asked.push_back(requests[open[i]]);
        asked.back().unit = std::move(embeddings[i].vector);
        places.push_back(open[i]);
    }
    try {
        std::vector<KnownRequest> known;
        for (std::size_t i = 0; i < asked.size(); ++i) {
            asked[i].unit = checked(std::move(*asked[i].unit));
            known.push_back({&asked[i], known_of(outcomes[places[i]])});
        }
        std::vector<GetOutcome> alike = store->get_alike(known, threshold(asked, scope, get, until), embedder, until);
        for (std::size_t i = 0; i < alike.size(); ++i) outcomes[places[i]] = std::move(alike[i]);
    } catch (const Error& error) {
        const GetOutcome failed = outcome_of(error);
        if (failed.miss == MissReason::embedder_failure) {
            store->log(LogLevel::warning,
                       fmt::format("Embedder failed, {} gets are misses: {}", places.size(), failed.embedder_error));
        }
        for (const std::size_t i : places) outcomes[i].miss = failed.miss;
    }
    return outcomes;
}

std::size_t SemanticCache::put_many(std::span<const NewAnswer> answers, const Scope& scope,
                                    std::optional<Deadline> deadline) {
    Impl& impl = *impl_;
    impl.check_open();
    const Deadline until = impl.deadline(deadline);
    std::vector<Impl::Prepared> prepared = impl.prepare(answers, scope);
    if (prepared.empty()) return 0;
    impl.embed(prepared, answers.size(), until);
    std::vector<NewEntry> entries;
    for (const Impl::Prepared& one : prepared) {
        const NewAnswer& answer = *one.answer;
        entries.push_back(impl.entry(scope, one.hash, answer.query, answer.response, answer.options));
        entries.back().unit = one.vector;
        entries.back().tags = one.tags;
        entries.back().depends_on = one.depends_on;
    }
    const std::vector<CacheGone> gone =
        impl.put_followed([&] { return impl.store->put_many(entries, impl.own_limits(), until); }, until);
    impl.tell(CacheEvent::Kind::put, scope.stored_namespace(), static_cast<std::int64_t>(entries.size()));
    impl.tell(gone);
    return entries.size();
}

}  // namespace v0
}  // namespace stele

// Who asks and who is served; the renewals of old answers.
#include <fmt/format.h>

#include <bit>
#include <utility>

#include "cache/cache_checks.hpp"
#include "cache/once/background.hpp"
#include "cache/once/computing.hpp"

namespace stele {
inline namespace v0 {

using namespace std::chrono_literals;

/// What a renewal in the background needs, whoever is gone by then.
class SemanticCache::Impl::Computing::Renewal {
public:
    Renewal(const Computing& of, Flights::Lead lead)
        : impl_(of.impl_.shared, of.impl_.store),
          query_(of.query_),
          scope_(of.scope_),
          compute_(of.compute_),
          options_(of.options_),
          renewing_(std::in_place, *impl_.shared->once),
          lead_(std::move(lead)) {
        options_.deadline = Deadline::never();
        options_.reader = nullptr;
    }

    void run() noexcept {
        try {
            Computing(impl_, query_, scope_, compute_, options_).renew(std::move(lead_));
        } catch (...) {
            impl_.store->log(LogLevel::warning,
                             "an old answer could not be renewed: " + text_of(std::current_exception()));
        }
        renewing_.reset();  // whoever runs it may keep it
    }

private:
    Impl impl_;
    const std::string query_;
    const Scope scope_;
    const Computation compute_;
    ComputeOptions options_;
    std::optional<Once::Renewing> renewing_;
    Flights::Lead lead_;
};

ComputedAnswer SemanticCache::Impl::Computing::run() {
    for (;;) {
        GetOutcome found = find(false);
        if (found.hit) return serve(std::move(found));
        if (std::optional<Hit> old = old_answer(found, serve_stale())) {
            plan_renewal();
            found.hit = std::move(old);
            return serve(std::move(found));
        }
        if (options_.deadline.expired()) {
            raise(ErrorCode::deadline_exceeded, fmt::format("the deadline passed before {} was there", what()));
        }
        skipped_ = found.miss == MissReason::skipped;
        Flights::Joined joined = once_.flights.join(key(), what(), options_.deadline);
        const bool leads = joined.lead.has_value();
        const Pointer answer =
            leads ? lead(std::move(*joined.lead), found) : joined.flight->follow(options_.deadline, options_.reader);
        if (answer) return finish(*answer, !leads);
    }
}

std::string SemanticCache::Impl::Computing::key() const {
    std::string key = request_.name_space + '\0' + request_.hash;
    if (options_.similarity_threshold) {
        key += fmt::format("{:x}", std::bit_cast<std::uint32_t>(*options_.similarity_threshold));
    }
    if (skipped_) key += '\0' + Uuid::v7().to_string();
    return key;
}

GetOutcome SemanticCache::Impl::Computing::find(bool by_meaning) {
    GetRequest request = request_;
    request.by_meaning = by_meaning;
    request.keep_old = std::max(serve_stale(), options_.stale_if_error) > 0s;
    request.keep_unit = true;
    GetOptions get;
    get.similarity_threshold = options_.similarity_threshold;
    get.deadline = step();
    get.turns = options_.turns;
    if (by_meaning) get.embedding = options_.embedding;
    return impl_.find(request, scope_, get);
}

std::optional<Hit> SemanticCache::Impl::Computing::old_answer(const GetOutcome& found,
                                                              std::chrono::seconds within) const {
    if (!found.old || found.overdue >= within) return std::nullopt;
    std::optional<Hit> old = found.old;
    old->stale = true;
    impl_.shared->guards.set_confidence(*old);
    return old;
}

ComputedAnswer SemanticCache::Impl::Computing::found_answer(Hit hit, AnswerSource source) const {
    ComputedAnswer answer;
    answer.response = hit.response;
    answer.metadata = hit.metadata;
    answer.source = source;
    answer.hit = std::move(hit);
    return answer;
}

ComputedAnswer SemanticCache::Impl::Computing::serve(GetOutcome found) {
    if (found.hit->stale) ++once_.stale;
    found.miss.reset();
    found.expired = false;
    impl_.count(found, request_.name_space);
    if (options_.reader) options_.reader(found.hit->response);
    return found_answer(*std::move(found.hit), AnswerSource::stored);
}

ComputedAnswer SemanticCache::Impl::Computing::finish(const SharedAnswer& got, bool followed) {
    ComputedAnswer answer = got.answer;
    if (followed && answer.source == AnswerSource::computed) answer.source = AnswerSource::shared;
    if (answer.source == AnswerSource::shared) {
        ++once_.shared;
        impl_.tell(CacheEvent::Kind::shared, request_.name_space, 1);
    }
    GetOutcome outcome;
    outcome.miss = got.miss;
    outcome.expired = got.expired;
    if (answer.source == AnswerSource::stored) outcome.hit = answer.hit;
    if (answer.source == AnswerSource::stored && answer.hit->stale) ++once_.stale;
    impl_.count(outcome, request_.name_space);
    return answer;
}

void SemanticCache::Impl::Computing::plan_renewal() {
    Flights::Joined joined =
        once_.flights.join(key(), what(), Deadline::never(), std::thread::id());  // whose it will be is not known
    if (!joined.lead) return;
    try {
        const auto renewal = std::make_shared<Renewal>(*this, std::move(*joined.lead));
        const auto task = [renewal] { renewal->run(); };
        if (impl_.options.background) {
            impl_.options.background(task);
        } else if (impl_.background) {
            impl_.background->post(task);
        }
    } catch (...) {  // what there is may be served all the same
        impl_.store->log(LogLevel::warning,
                         "the renewal of an old answer could not be begun: " + text_of(std::current_exception()));
    }
}

void SemanticCache::Impl::Computing::renew(Flights::Lead lead) {
    claim_ = new_claim();
    if (once_.closing || !once_.claims().take(*claim_, step()).taken) return;
    Pointer answer;
    try {
        SharedAnswer got;
        got.miss = MissReason::expired;
        got.expired = true;
        got.answer = compute(lead.flight(), {}, true, true);
        answer = std::make_shared<const SharedAnswer>(std::move(got));
    } catch (...) {
        lead.land();
        lead.flight().fail();
        throw;
    }
    lead.land();
    lead.flight().succeed(answer);
}

ComputedAnswer SemanticCache::Impl::get_or_compute(std::string_view query, const Scope& scope,
                                                   const Computation& compute, const ComputeOptions& asked) {
    if (shared->once == nullptr || store->in_transaction()) {
        raise(ErrorCode::invalid_argument,
              "an answer cannot be computed inside a transaction: who waits for it elsewhere would see nothing of it "
              "before the commit. Compute outside, and put the answer inside");
    }
    check_compute(query, compute, asked, options);
    return Computing(*this, query, scope, compute, asked).run();
}

void SemanticCache::Impl::drain(Deadline until) {
    if (background) background->stop();
    if (shared->once) shared->once->drain(until);
}

ComputedAnswer SemanticCache::get_or_compute(std::string_view query, const Scope& scope, const Computation& compute,
                                             const ComputeOptions& options) {
    impl_->check_open();
    return impl_->get_or_compute(query, scope, compute, options);
}

}  // namespace v0
}  // namespace stele

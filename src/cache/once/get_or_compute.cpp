// The steps of SemanticCache::get_or_compute.
#include <fmt/format.h>

#include <algorithm>
#include <bit>
#include <utility>

#include "base/hash.hpp"
#include "base/text.hpp"
#include "cache/cache_checks.hpp"
#include "cache/once/background.hpp"
#include "cache/once/flight_sink.hpp"
#include "cache/once/once.hpp"
#include "cache/once/reading_along.hpp"
#include "cache/semantic_cache_impl.hpp"

namespace stele {
inline namespace v0 {
namespace {

using namespace std::chrono_literals;
using Pointer = std::shared_ptr<const SharedAnswer>;

constexpr std::chrono::milliseconds kFirstPause = 20ms, kLongestPause = 1s;  // between looks at another's claim
constexpr auto kReleasePatience = 1s;

Deadline earlier(Deadline a, Deadline b) {
    return std::min(a, b);
}

std::string text_of(const std::exception_ptr& thrown) {
    try {
        std::rethrow_exception(thrown);
    } catch (const std::exception& error) {
        return error.what();
    } catch (...) {
        return "something that is no exception";
    }
}

}  // namespace

/// One call, or one renewal in the background.
class SemanticCache::Impl::Computing {
public:
    /// All of it must outlive this.
    Computing(Impl& impl, std::string_view query, const Scope& scope, const Computation& compute,
              const ComputeOptions& options)
        : impl_(impl),
          once_(*impl.shared->once),
          query_(query),
          scope_(scope),
          compute_(compute),
          options_(options),
          request_(impl.request(query, scope)) {}

    ComputedAnswer run();
    /// Unless somebody else does it, or has done it.
    void renew(Flights::Lead lead);

private:
    class Renewal;

    std::chrono::seconds serve_stale() const { return options_.serve_stale.value_or(impl_.options.serve_stale); }
    ComputeClaim new_claim() const { return {request_.name_space, request_.hash, options_.lease}; }
    Deadline step() const { return earlier(options_.deadline, Deadline::after(options_.store_patience)); }
    /// Callers that accept other answers do not share.
    std::string key() const;
    std::string what() const { return fmt::format("the answer to a question of '{}'", scope_.tenant()); }

    GetOutcome find(bool by_meaning);
    std::optional<Hit> old_answer(const GetOutcome& found, std::chrono::seconds within) const;
    ComputedAnswer found_answer(Hit hit, AnswerSource source) const;
    ComputedAnswer serve(GetOutcome found);
    ComputedAnswer finish(const SharedAnswer& got, bool followed);
    void plan_renewal();

    Pointer lead(Flights::Lead lead, const GetOutcome& found);
    SharedAnswer find_or_compute(Flight& flight, const GetOutcome& found);
    std::optional<ClaimLook> claim();
    ClaimLook wait_for_claim();
    ComputedAnswer compute(Flight& flight, const GetOutcome& found, bool claimed, bool unattended);
    Kept keep(const std::string& text, const FlightSink& sink, bool claimed);
    void release() noexcept;

    Impl& impl_;
    Once& once_;
    const std::string_view query_;
    const Scope& scope_;
    const Computation& compute_;
    const ComputeOptions& options_;
    const GetRequest request_;
    std::optional<ComputeClaim> claim_;  // once one is wanted
    std::vector<float> unit_;            // of the question, once it was embedded
    bool skipped_ = false;               // by SemanticCacheOptions::skip: it is nobody else's
};

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

Pointer SemanticCache::Impl::Computing::lead(Flights::Lead lead, const GetOutcome& found) {
    Flight& flight = lead.flight();
    std::optional<ReadingAlong> reading;
    Pointer answer;
    try {
        if (options_.reader) reading.emplace(flight.stream(), options_.reader);
        answer = std::make_shared<const SharedAnswer>(find_or_compute(flight, found));
    } catch (...) {
        lead.land();
        flight.fail();
        throw;
    }
    lead.land();
    flight.succeed(answer);
    if (reading) reading->finish();
    return answer;
}

SharedAnswer SemanticCache::Impl::Computing::find_or_compute(Flight& flight, const GetOutcome& found) {
    SharedAnswer got;
    got.miss = found.miss;
    got.expired = found.expired;
    bool claimed = false;
    if (found.miss != MissReason::unavailable && !skipped_) {
        GetOutcome alike;
        if (impl_.embedder != nullptr || options_.embedding) {
            alike = find(true);
            unit_ = std::move(alike.unit);
            got.miss = alike.miss;
        }
        if (alike.hit) {
            flight.stream().write(alike.hit->response);
            got.answer = found_answer(*std::move(alike.hit), AnswerSource::stored);
            return got;
        }
        const std::optional<ClaimLook> look = claim();
        if (look && look->hit) {
            Hit hit = *look->hit;
            impl_.shared->guards.set_confidence(hit);
            flight.stream().write(hit.response);
            got.answer = found_answer(std::move(hit), AnswerSource::shared);
            return got;
        }
        claimed = look.has_value();
    }
    got.answer = compute(flight, found, claimed, false);
    return got;
}

// Nothing: the store is away.
std::optional<ClaimLook> SemanticCache::Impl::Computing::claim() {
    try {
        return wait_for_claim();
    } catch (const Error& error) {
        if (!impl_.options.miss_when_unavailable || !is_outage(error.code()) || options_.deadline.expired()) throw;
        impl_.store->log(LogLevel::warning,
                         fmt::format("an answer is computed without asking whether others do, the store cannot be "
                                     "reached: {}",
                                     error.info().message));
        return std::nullopt;
    }
}

ClaimLook SemanticCache::Impl::Computing::wait_for_claim() {
    claim_ = new_claim();
    Claims& claims = once_.claims();
    Watches::Watch watch(claims.watches(), {request_.name_space, request_.hash});
    for (auto pause = kFirstPause;; pause = std::min(pause * 2, kLongestPause)) {
        ClaimLook look = claims.take(*claim_, step());
        if (look.taken || look.hit) return look;
        if (options_.deadline.expired()) {
            raise(ErrorCode::deadline_exceeded,
                  fmt::format("the deadline passed while another process computed {}", what()));
        }
        claims.awaited();
        watch.wait(earlier(options_.deadline,
                           Deadline::after(std::clamp<std::chrono::milliseconds>(look.left + 1ms, 1ms, pause))));
    }
}

ComputedAnswer SemanticCache::Impl::Computing::compute(Flight& flight, const GetOutcome& found, bool claimed,
                                                       bool unattended) {
    FlightSink sink(flight, impl_.options.max_response_bytes, unattended ? &once_.closing : nullptr);
    ComputedAnswer answer;
    ++once_.computed;
    try {
        std::optional<ClaimKeeper::Held> held;
        if (claimed) held.emplace(once_.keeper, *claim_);
        compute_(sink);
        answer.response = flight.stream().text();
        check_text("the answer that was computed", answer.response);
    } catch (...) {
        ++once_.failures;
        if (claimed) release();
        impl_.tell(CacheEvent::Kind::computed, request_.name_space, 1, "error");
        std::optional<Hit> old = old_answer(found, options_.stale_if_error);
        if (!old || flight.stream().size() != 0) throw;
        impl_.store->log(LogLevel::warning, "an old answer is served, since the computation of a new one failed: " +
                                                text_of(std::current_exception()));
        flight.stream().write(old->response);
        return found_answer(*std::move(old), AnswerSource::stored);
    }
    answer.source = AnswerSource::computed;
    answer.metadata = sink.metadata().value_or(options_.metadata);
    answer.kept = keep(answer.response, sink, claimed);
    impl_.tell(CacheEvent::Kind::computed, request_.name_space, 1, to_string(answer.kept));
    return answer;
}

// Whatever happens here, the answer is there.
Kept SemanticCache::Impl::Computing::keep(const std::string& text, const FlightSink& sink, bool claimed) {
    Kept kept = Kept::failed;
    try {
        if (!sink.to_be_stored() || skipped_) {
            kept = Kept::unwanted;
        } else if (!impl_.shared->guards.valid(text)) {
            kept = Kept::refused;
        } else if (claimed) {
            PutOptions put;
            put.embedding = options_.embedding;
            if (!put.embedding && !unit_.empty()) put.embedding = unit_;
            put.ttl = sink.ttl() ? sink.ttl() : options_.ttl;
            put.never_expires = options_.never_expires && !sink.ttl();
            put.metadata = sink.metadata().value_or(options_.metadata);
            put.tags = options_.tags;
            put.depends_on = options_.depends_on;
            put.deadline = Deadline::after(options_.store_patience);
            impl_.put(query_, text, scope_, put, &*claim_);
            return claim_->replaced ? Kept::replaced : Kept::stored;
        }
    } catch (...) {
        impl_.store->log(LogLevel::warning,
                         "an answer was computed and could not be stored: " + text_of(std::current_exception()));
    }
    if (claimed) release();
    return kept;
}

void SemanticCache::Impl::Computing::release() noexcept {
    try {
        once_.claims().release(*claim_, Deadline::after(kReleasePatience));
    } catch (const std::exception& error) {
        impl_.store->log(
            LogLevel::warning,
            fmt::format("others wait until the lease is over, since it could not be ended: {}", error.what()));
    }
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

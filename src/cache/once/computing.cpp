// Finding an answer, or computing and storing it.
#include "cache/once/computing.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "base/text.hpp"
#include "cache/cache_checks.hpp"
#include "cache/once/reading_along.hpp"

namespace stele {

std::string text_of(const std::exception_ptr& thrown) {
    try {
        std::rethrow_exception(thrown);
    } catch (const std::exception& error) {
        return error.what();
    } catch (...) {
        return "something that is no exception";
    }
}

inline namespace v0 {
namespace {

using namespace std::chrono_literals;

constexpr std::chrono::milliseconds kFirstPause = 20ms, kLongestPause = 1s;  // between looks at another's claim
constexpr auto kReleasePatience = 1s;

}  // namespace

SemanticCache::Impl::Computing::Pointer SemanticCache::Impl::Computing::lead(Flights::Lead lead,
                                                                             const GetOutcome& found) {
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
        watch.wait(std::min(options_.deadline,
                            Deadline::after(std::clamp<std::chrono::milliseconds>(look.left + 1ms, 1ms, pause))));
    }
}

ComputedAnswer SemanticCache::Impl::Computing::compute(Flight& flight, const GetOutcome& found, bool claimed,
                                                       bool unattended) {
    FlightSink sink(flight, options_, impl_.options.max_response_bytes, unattended ? &once_.closing : nullptr);
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
            put.tags = sink.tags();
            put.depends_on = sink.depends_on();
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

}  // namespace v0
}  // namespace stele

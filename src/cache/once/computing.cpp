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
constexpr std::chrono::milliseconds kReadingPause = 100ms;                   // as often as pieces come
constexpr auto kReleasePatience = 1s;

}  // namespace

SemanticCache::Impl::Computing::Pointer SemanticCache::Impl::Computing::lead(Flights::Lead lead,
                                                                             const GetOutcome& found) {
    Flight& flight = lead.flight();
    std::optional<ReadingAlong> reading;
    Pointer answer;
    try {
        if (options_.reader) reading.emplace(flight.stream(), options_.reader);
        if (std::optional<SharedAnswer> got = find_or_compute(flight, found)) {
            answer = std::make_shared<const SharedAnswer>(*std::move(got));
        }
    } catch (...) {
        lead.land();
        flight.fail();
        throw;
    }
    lead.land();
    if (answer) {
        flight.succeed(answer);
    } else {
        flight.leave();
    }
    if (reading) reading->finish();
    if (!answer && reading && reading->bytes() != 0) raise_incomplete(reading->bytes());
    return answer;
}

void SemanticCache::Impl::Computing::raise_incomplete(std::size_t bytes) const {
    ErrorInfo info =
        make_error(ErrorCode::unavailable, fmt::format("the process that computed {} has not completed it, and {} "
                                                       "bytes had been read, which are no answer",
                                                       what(), bytes));
    info.retry = Retry::call;
    throw IncompleteAnswer(std::move(info), bytes, nullptr);
}

std::optional<SharedAnswer> SemanticCache::Impl::Computing::find_or_compute(Flight& flight, const GetOutcome& found) {
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
        const std::optional<ClaimLook> look = claim(flight);
        if (!look || !look->hit) {
            if (flight.stream().size() != 0) {  // of what another process has not completed
                if (look) release();
                return std::nullopt;
            }
        } else {
            Hit hit = *look->hit;
            impl_.shared->guards.set_confidence(hit);
            const std::string read = flight.stream().text();
            if (!hit.response.starts_with(read)) return std::nullopt;
            flight.stream().write(hit.response.substr(read.size()));
            got.answer = found_answer(std::move(hit), AnswerSource::shared);
            return got;
        }
        claimed = look.has_value();
    }
    got.answer = compute(flight, found, claimed, false);
    return got;
}

// Nothing: the store is away.
std::optional<ClaimLook> SemanticCache::Impl::Computing::claim(Flight& flight) {
    try {
        return wait_for_claim(flight);
    } catch (const Error& error) {
        if (!impl_.options.miss_when_unavailable || !is_outage(error.code()) || options_.deadline.expired()) throw;
        impl_.store->log(LogLevel::warning,
                         fmt::format("an answer is computed without asking whether others do, the store cannot be "
                                     "reached: {}",
                                     error.info().message));
        return std::nullopt;
    }
}

// Without hit and claim: another process writes the answer anew of which a part was read here.
ClaimLook SemanticCache::Impl::Computing::wait_for_claim(Flight& flight) {
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
        if (options_.reader || flight.read_along()) {
            if (!pass_on(flight)) return {};
            pause = std::min(pause, kReadingPause);
        }
        claims.awaited();
        watch.wait(std::min(options_.deadline,
                            Deadline::after(std::clamp<std::chrono::milliseconds>(look.left + 1ms, 1ms, pause))));
    }
}

bool SemanticCache::Impl::Computing::pass_on(Flight& flight) {
    const std::size_t read = flight.stream().size();
    const ClaimText more = once_.claims().read_text(*claim_, read, step());
    if (read != 0 && more.whose && more.whose != writer_) return false;
    if (more.text.empty()) return true;
    writer_ = more.whose;
    flight.stream().write(more.text);
    return true;
}

ComputedAnswer SemanticCache::Impl::Computing::compute(Flight& flight, const GetOutcome& found, bool claimed,
                                                       bool unattended) {
    FlightSink sink(flight, options_, impl_.options.max_response_bytes, unattended ? &once_.closing : nullptr);
    ComputedAnswer answer;
    ++once_.computed;
    std::optional<ClaimKeeper::Held> held;
    try {
        if (claimed) held.emplace(once_.keeper, *claim_, flight.stream());
        compute_(sink);
        answer.response = flight.stream().text();
        check_text("the answer that was computed", answer.response);
    } catch (...) {
        ++once_.failures;
        const bool told = held && held->told();
        held.reset();
        if (claimed) release();
        if (told) forget_text();
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
    const bool told = held && held->told();
    held.reset();
    answer.kept = keep(answer.response, sink, claimed);
    if (told) forget_text();
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

// What stays is swept by vacuum().
void SemanticCache::Impl::Computing::forget_text() noexcept {
    try {
        once_.claims().forget_text(*claim_, Deadline::after(kReleasePatience));
    } catch (const std::exception& error) {
        impl_.store->log(LogLevel::warning,
                         fmt::format("what others read of an answer could not be removed: {}", error.what()));
    }
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

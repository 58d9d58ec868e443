// What is counted, measured and traced of the talk with the server: one function an event. Where nobody looks, each is
// one comparison.
#pragma once

#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <type_traits>
#include <utility>

#include "stele/database.hpp"
#include "stele/deadline.hpp"
#include "stele/dsn.hpp"
#include "stele/metrics.hpp"
#include "stele/statement.hpp"
#include "stele/trace.hpp"

namespace stele {

/// Tells the Metrics and the Tracer of one database. Thread-safe. Whoever reports keeps it alive.
class Observer {
    struct Live;
    using Counter = Metrics::Counter;
    using Gauge = Metrics::Gauge;
    using Histogram = Metrics::Histogram;

public:
    using Time = Deadline::Clock::time_point;

    /// What a user called. The values of label "kind".
    enum class Kind : std::uint8_t {
        read,         // a statement alone on a Database, by its lane
        slow_read,    //
        write,        //
        single,       // one without a lane
        batch,        // several on a Database
        connection,   // on a Connection
        transaction,  // in a Transaction or Savepoint
        commit,
        rollback
    };
    static Kind kind_of(std::span<const Statement> statements) noexcept {
        if (statements.size() != 1) return Kind::batch;
        switch (statements[0].lane()) {
            case Lane::read: return Kind::read;
            case Lane::slow_read: return Kind::slow_read;
            case Lane::write: return Kind::write;
            case Lane::none: break;
        }
        return Kind::single;
    }

    /// Why something is sent once more.
    enum class Again : std::uint8_t {
        lost,    // its connection died
        stale,   // the server had forgotten its prepared statement
        aborted  // it shared a round trip with a request that failed, so that it never ran or was undone
    };
    /// What became of a commit (or of a write outside a transaction) whose connection died.
    enum class Doubt : std::uint8_t {
        committed,
        aborted,
        undecided,
        not_asked  // a write outside a transaction: its caller was told in_doubt(). Call counts it
    };

    /// How a look at the change log ended.
    enum class Looked : std::uint8_t {
        followed,  // it said what was changed
        reloaded,  // nothing that was known before could be trusted
        failed
    };
    enum class Hint : std::uint8_t { sent, received };

    Observer();  // looks nowhere
    /// `dsn` is where the calls go. Both may be null. Throws what Metrics throws.
    Observer(std::shared_ptr<Metrics> metrics, std::shared_ptr<Tracer> tracer, const Dsn& dsn);
    /// One that looks nowhere.
    static const Observer& nobody();
    Observer(Observer&&) noexcept;
    Observer& operator=(Observer&&) noexcept;
    ~Observer();

    /// Runs a user's call: measured, its error counted, one span. `work` throws Error when it fails.
    template <class Work>
    auto call(Kind kind, std::span<const Statement> statements, Work&& work) const {
        if (!live_) return work();
        Call call(*this, kind, statements);
        try {
            if constexpr (std::is_void_v<decltype(work())>) {
                work();
                call.succeeded();
            } else {
                auto result = work();
                call.succeeded();
                return result;
            }
        } catch (const Error& error) {
            call.failed(error.info());
            throw;
        }
    }

    /// The same for a call that ends elsewhere than it began: made on the caller's thread, ended on any, once.
    class Call {
    public:
        Call(const Observer& observer, Kind kind, std::span<const Statement> statements)
            : live_(observer.live_.get()), kind_(kind) {
            if (live_) start(statements);
        }
        Call(Call&& other) noexcept
            : live_(std::exchange(other.live_, nullptr)),
              kind_(other.kind_),
              began_(other.began_),
              span_(std::move(other.span_)) {}
        Call& operator=(Call&&) = delete;
        /// One that nobody ended (an exception that is not ours) has failed.
        ~Call() {
            if (live_) end(nullptr, true);
        }
        void succeeded() noexcept {
            if (live_) end(nullptr, false);
        }
        void failed(const ErrorInfo& error) noexcept {
            if (live_) end(&error, true);
        }

    private:
        void start(std::span<const Statement> statements);
        void end(const ErrorInfo* error, bool failed) noexcept;

        const Live* live_;
        Kind kind_;
        Time began_{};
        std::unique_ptr<Span> span_;
    };

    /// The time, for one of the functions below; where nobody measures, no clock is read.
    Time now() const noexcept { return meters_ ? Deadline::Clock::now() : Time(); }

    // Below, `lane` says whose connection it is; Lane::none: one of the pool's, exclusive while it is lent.

    /// A caller waited from `since` on, until it had a connection or its request was being sent; Time(): it did not
    /// have to, and no clock need be read to know it.
    void queued(Lane lane, Time since) const noexcept {
        if (meters_) at(meters_->queued, lane).observe(since == Time() ? 0 : seconds_since(since));
    }
    /// One round trip: `count` statements of callers (merged ones too, each), sent at `since`, and the answer to their
    /// Sync has just come. Not for one that was lost.
    void round_trip(Lane lane, std::size_t count, Time since) const noexcept {
        if (!meters_) return;
        at(meters_->statements, lane).observe(static_cast<double>(count));
        at(meters_->round_trips, lane).observe(seconds_since(since));
    }
    /// `count` calls will be sent again.
    void again(Again why, std::size_t count = 1) const noexcept {
        if (meters_ && count > 0) at(meters_->again, why).add(count);
    }

    /// A connection was made, begun at `since`; `instead`: of one that was lost.
    void connected(Lane lane, Time since, bool instead) const noexcept {
        if (!meters_) return;
        at(meters_->connects, lane).observe(seconds_since(since));
        if (instead) at(meters_->reconnects, lane).add();
    }
    void connect_failed(Lane lane) const noexcept {
        if (meters_) at(meters_->connect_failures, lane).add();
    }
    /// A connection was found dead, or died.
    void connection_lost(Lane lane) const noexcept {
        if (meters_) at(meters_->losses, lane).add();
    }
    /// The pool has changed from `before` to `now`.
    void pool(const PoolStatus& before, const PoolStatus& now) const noexcept {
        if (meters_) pool_changed(before, now);
    }
    bool measures() const noexcept { return meters_ != nullptr; }

    void in_doubt(Doubt doubt) const noexcept {
        if (meters_) at(meters_->doubts, doubt).add();
    }
    /// Database::transaction() runs its work once more.
    void transaction_again() const noexcept {
        if (meters_) meters_->transactions_again->add();
    }

    void looked(Looked how) const noexcept {
        if (meters_) at(meters_->looks, how).add();
    }
    /// What was known of changes had become so old when a look renewed it.
    void staleness(std::chrono::nanoseconds age) const noexcept {
        if (meters_) meters_->staleness->observe(std::chrono::duration<double>(age).count());
    }
    void hint(Hint which) const noexcept {
        if (meters_) at(meters_->hints, which).add();
    }

    static constexpr std::size_t kKinds = 9, kLanes = 4, kAgains = 3, kDoubts = 4, kCodes = 26, kLooks = 3, kHints = 2;

private:
    template <class Instrument, std::size_t kCount>
    using Row = std::array<Instrument*, kCount>;
    /// Every instrument, asked for once.
    struct Meters {
        explicit Meters(Metrics& metrics);
        Row<Histogram, kKinds> calls;
        Row<Counter, kCodes> errors;
        Row<Histogram, kLanes> queued, round_trips, statements, connects;
        Row<Counter, kLanes> connect_failures, losses, reconnects;
        Row<Counter, kAgains> again;
        Row<Counter, kDoubts> doubts;
        Counter* transactions_again;
        Row<Counter, kLooks> looks;
        Row<Counter, kHints> hints;
        Histogram* staleness;
        Gauge *idle, *in_use, *connecting, *waiting, *maximum;
    };
    template <class Instrument, std::size_t kCount, class Index>
    static Instrument& at(const Row<Instrument, kCount>& row, Index index) noexcept {
        return *row[static_cast<std::size_t>(index)];
    }
    static double seconds_since(Time since) noexcept {
        return std::chrono::duration<double>(Deadline::Clock::now() - since).count();
    }
    void pool_changed(const PoolStatus& before, const PoolStatus& now) const noexcept;

    std::unique_ptr<const Live> live_;  // null: nobody looks
    const Meters* meters_ = nullptr;    // of live_; null: nobody measures
};

}  // namespace stele

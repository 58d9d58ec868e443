#include "postgres/change_follower.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <limits>

#include "base/signals_blocked.hpp"
#include "stele/error.hpp"

namespace stele {
namespace {

using namespace std::chrono_literals;

constexpr std::size_t kMostChanges = 10'000;  // of one look; beyond, all is fetched again
constexpr auto kBetweenRemovals = 1min;
constexpr int kRemovedAtOnce = 10'000;
constexpr auto kPatience = 1s;       // with one statement
constexpr auto kBetweenHeard = 5ms;  // however many processes send hints

// Each branch by the index, whatever the planner thinks of the table. A crash resets the statistics, and can take back
// transactions that were seen. A dump that is put back has the log's old id, but in a table made anew.
std::string look_sql(const std::string& schema) {
    const std::string columns = "SELECT store, namespace, key, xid FROM " + schema + ".stele_changes";
    return fmt::format(
        "SELECT pg_current_snapshot()::text, pg_is_in_recovery(), concat_ws('/', l.id, "
        "l.tableoid, pg_relation_filenode(l.tableoid), (SELECT system_identifier FROM pg_control_system()), "
        "pg_postmaster_start_time(), "
        "pg_stat_get_bgwriter_stat_reset_time()), l.removed_up_to::text, "
        "extract(epoch FROM clock_timestamp() - l.heartbeat)::float8, EXISTS (SELECT FROM pg_stat_replication), "
        "c.store, c.namespace, c.key, c.xid::text FROM {}.stele_change_log l LEFT JOIN ("
        "({} WHERE xid >= $1::text::xid8 ORDER BY xid LIMIT {}) UNION ALL "
        "({} WHERE xid = ANY ($2::text[]::xid8[]) ORDER BY xid LIMIT {})) c ON true",
        schema, columns, kMostChanges + 1, columns, kMostChanges + 1);
}

std::string beat_sql(const std::string& schema) {
    return fmt::format(
        "UPDATE {0}.stele_change_log SET heartbeat = clock_timestamp() WHERE only_row IN (SELECT only_row FROM "
        "{0}.stele_change_log WHERE heartbeat < clock_timestamp() - $1 * interval '1 ms' FOR UPDATE SKIP LOCKED)",
        schema);
}

// Never of a transaction that is younger than one that still runs: a follower may have to ask for that one.
std::string remove_sql(const std::string& schema) {
    return fmt::format(
        "WITH turn AS MATERIALIZED (SELECT only_row FROM {0}.stele_change_log FOR UPDATE SKIP LOCKED), "
        "old AS (SELECT c.ctid, c.xid FROM {0}.stele_changes c, turn WHERE c.at < clock_timestamp() - $1 * interval "
        "'1 ms' AND c.xid < pg_snapshot_xmin(pg_current_snapshot()) ORDER BY c.xid LIMIT {1}), "
        "gone AS (DELETE FROM {0}.stele_changes c USING old WHERE c.ctid = old.ctid RETURNING c.xid) "
        "UPDATE {0}.stele_change_log l SET removed_up_to = g.xid FROM (SELECT xid FROM gone ORDER BY xid DESC LIMIT 1) "
        "g WHERE g.xid > l.removed_up_to",
        schema, kRemovedAtOnce);
}

std::uint64_t number(const std::string& text) {
    return std::stoull(text);
}

}  // namespace

ChangeFollower::ChangeFollower(Options options, Run run, Log log, const Observer& observer, ChangeHints* hints)
    : options_(std::move(options)),
      query_(std::move(run)),
      log_(std::move(log)),
      observer_(observer),
      hints_(hints),
      bound_(std::chrono::nanoseconds(options_.bound).count()),
      look_(look_sql(options_.quoted_schema)),
      beat_(beat_sql(options_.quoted_schema)),
      remove_(remove_sql(options_.quoted_schema)),
      known_at_(std::numeric_limits<std::int64_t>::min() / 2),
      used_at_(BootClock::now()),
      removed_at_(used_at_) {}

void ChangeFollower::stop() noexcept {
    std::thread over;
    {
        MutexLock lock(mutex_);
        stopping_ = true;
        over.swap(thread_);
        waits_.notify_all();
        looked_.notify_all();
    }
    if (hints_ != nullptr) hints_->stop();
    if (over.joinable()) over.join();
}

ChangeFollower::Subscription ChangeFollower::subscribe(ChangeListener& listener) {
    Subscription subscription;
    {
        MutexLock lock(telling_);
        subscription = Subscription(*this, listeners_.insert(listeners_.end(), &listener));
    }
    MutexLock lock(mutex_);
    if (!thread_.joinable() && !stopping_) {
        if (hints_ != nullptr) hints_->start([this] { rouse(heard_); });
        const SignalsBlocked blocked;
        thread_ = std::thread([this] { this->run(); });
    }
    return subscription;
}

void ChangeFollower::unsubscribe(Subscription::Place place) noexcept {
    MutexLock lock(telling_);
    listeners_.erase(place);
}

void ChangeFollower::announce(std::span<const Change> changes) noexcept {
    if (hints_ != nullptr) hints_->send();
    MutexLock lock(telling_);
    for (ChangeListener* listener : listeners_) listener->changed(changes);
}

void ChangeFollower::rouse(std::atomic<bool>& why) noexcept {
    if (why.exchange(true)) return;
    MutexLock lock(mutex_);
    waits_.notify_all();
}

void ChangeFollower::run() {
    for (bool looked = true;; looked = look()) {
        wait(looked);
        MutexLock lock(mutex_);
        if (stopping_) return;
    }
}

void ChangeFollower::wait(bool looked) {
    if (used_.exchange(false)) used_at_ = BootClock::now();
    const bool rests = BootClock::now() - used_at_ > options_.rest_after;
    rested_ = rested_ || rests;
    if (hints_ != nullptr) hints_->follow(channel_, primary_ && !rests);
    const auto now = Deadline::Clock::now();
    MutexLock lock(mutex_);
    // who cannot reach the server does not try the harder for being asked, but once after a rest
    const auto is_woken = [&] { return (looked || rests) && woken_.load(); };
    while (!stopping_ && !is_woken()) {
        if (rests) {
            waits_.wait(mutex_);
            continue;
        }
        const bool hinted = looked && heard_;
        const auto pause =
            hinted ? std::min<std::chrono::milliseconds>(kBetweenHeard, options_.bound / 3) : options_.bound / 3;
        if (waits_.wait_until(mutex_, now + pause) == std::cv_status::timeout) break;
    }
    woken_ = false;
    heard_ = false;
}

bool ChangeFollower::look() {
    const auto begun = BootClock::now();
    try {
        const Answer answer = ask(change_log_.question(), Deadline::after(kPatience));
        learn(answer, begun);
        if (std::exchange(failing_, false)) log_("the change log can be followed again");
        looked(begun, nullptr);
        serve_others(answer);
        return true;
    } catch (const std::exception& error) {
        looked(begun, std::current_exception());
        observer_.looked(Observer::Looked::failed);
        if (!std::exchange(failing_, true)) {
            log_(fmt::format("the change log cannot be followed, so nothing is served from memory: {}", error.what()));
        }
        return false;
    }
}

void ChangeFollower::looked(BootClock::time_point begun, std::exception_ptr failure) {
    MutexLock lock(mutex_);
    looked_at_ = begun;
    failure_ = std::move(failure);
    looked_.notify_all();
}

void ChangeFollower::catch_up(Deadline deadline) {
    const auto asked = BootClock::now();
    wake();
    MutexLock lock(mutex_);
    while (looked_at_ < asked) {
        if (stopping_) raise(ErrorCode::closed, "the database was closed");
        if (deadline.is_never()) {
            looked_.wait(mutex_);
        } else if (looked_.wait_until(mutex_, deadline.point()) == std::cv_status::timeout && looked_at_ < asked) {
            raise(ErrorCode::deadline_exceeded, "the deadline passed while the change log was being read");
        }
    }
    if (failure_) std::rethrow_exception(failure_);
}

void ChangeFollower::learn(const Answer& answer, BootClock::time_point begun) {
    const ChangeLog::Look& look = answer.look;
    const bool follows = change_log_.follows(look);
    tell(look, follows);
    {
        MutexLock lock(position_mutex_);
        position_ = look;
        position_->changes.clear();
    }
    if (!follows) {
        const auto id = std::string_view(look.incarnation).substr(0, look.incarnation.find('/'));
        channel_ = ChangeHints::channel_of(options_.quoted_schema, id);
        primary_ = !look.standby;
    }
    const std::int64_t known_at = (begun - answer.behind).time_since_epoch().count();
    const std::int64_t before = known_at_.exchange(known_at, std::memory_order_release);
    observer_.looked(follows ? Observer::Looked::followed : Observer::Looked::reloaded);
    if (!std::exchange(rested_, false)) {
        observer_.staleness(std::chrono::nanoseconds(BootClock::now().time_since_epoch().count() - before));
    }
}

std::optional<ChangeLog::Look> ChangeFollower::position() const {
    MutexLock lock(position_mutex_);
    return position_;
}

std::optional<std::vector<Change>> ChangeFollower::since(const ChangeLog::Look& position, Deadline deadline) {
    ChangeLog log(position);
    Answer answer = ask(log.question(), deadline);
    if (!log.follows(answer.look)) return std::nullopt;
    return std::move(answer.look.changes);
}

ChangeFollower::Answer ChangeFollower::ask(const ChangeLog::Question& question, Deadline deadline) {
    std::vector<std::string> running;
    for (const std::uint64_t one : question.running) running.push_back(fmt::to_string(one));
    const Rows rows = query_(Statement(look_, fmt::to_string(question.from), running).read(), deadline);
    if (rows.empty()) raise(ErrorCode::schema_changed, "the change log's own row is missing; run 'stele migrate'");
    Answer answer;
    ChangeLog::Look& look = answer.look;
    const Row first = rows[0];
    look.snapshot = value_or_raise(Snapshot::parse(first.get<std::string>(0)));
    look.standby = first.get<bool>(1);
    look.incarnation = first.get<std::string>(2);
    look.removed = number(first.get<std::string>(3));
    if (look.standby)
        answer.behind =
            std::chrono::nanoseconds(std::max<std::int64_t>(0, static_cast<std::int64_t>(first.get<double>(4) * 1e9)));
    answer.replicated = first.get<bool>(5);
    look.incomplete = rows.size() > kMostChanges;
    if (look.incomplete) return answer;
    for (const Row& row : rows) {
        if (auto store = row.find<std::string>(6)) {
            look.changes.push_back({std::move(*store), row.find<std::string>(7), row.find<std::string>(8),
                                    number(row.get<std::string>(9))});
        }
    }
    return answer;
}

void ChangeFollower::tell(const ChangeLog::Look& look, bool follows) {
    if (follows && look.changes.empty()) return;
    MutexLock lock(telling_);
    for (ChangeListener* listener : listeners_) {
        if (follows) {
            listener->changed(look.changes);
        } else {
            listener->all_changed();
        }
    }
}

void ChangeFollower::serve_others(const Answer& answer) {
    if (answer.look.standby) return;
    try {
        tidy_up(answer);
        untidy_ = false;
    } catch (const Error& error) {
        // a role may be allowed to read only; what this one knows is no worse for it
        if (std::exchange(untidy_, true)) return;
        log_(fmt::format("the change log cannot be tidied up by this process: {}", error.what()));
    }
}

void ChangeFollower::tidy_up(const Answer& answer) {
    const auto milliseconds = [](auto time) { return std::chrono::duration<double, std::milli>(time).count(); };
    if (answer.replicated) {
        query_(Statement(beat_, milliseconds(options_.bound / 3)).repeatable(), Deadline::after(kPatience));
    }
    if (BootClock::now() - removed_at_ < kBetweenRemovals) return;
    removed_at_ = BootClock::now();
    query_(Statement(remove_, milliseconds(options_.keep)).repeatable(), Deadline::after(kPatience));
}

}  // namespace stele

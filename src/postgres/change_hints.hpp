// Tells the followers of other processes that there is something to look at, and hears it from them.
#pragma once

#include <atomic>
#include <chrono>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <thread>

#include "base/mutex.hpp"
#include "postgres/pool.hpp"
#include "postgres/wake_up.hpp"
#include "stele/deadline.hpp"
#include "stele/executor.hpp"

namespace stele {

/// Hints make looks come sooner, and nothing rests on them: one that is lost, late or in vain does no harm, and nobody
/// waits for one. Sent by NOTIFY, on a thread of its own after the writer has committed, because a transaction that
/// notifies holds a lock of the whole cluster while it commits.
///
/// The connection that listens is one of the pool's. It is never the last free one, and is given up when somebody waits
/// for a connection. Thread-safe.
class ChangeHints {
public:
    /// Runs a statement on any connection; throws Error.
    using Run = std::function<Rows(const Statement&, Deadline)>;
    using Log = std::function<void(std::string_view)>;

    /// `run` sends while nothing listens. `pool`: null where no session can listen (behind a transaction pooler).
    ChangeHints(Run run, Pool* pool, Log log, const Observer& observer);
    ~ChangeHints() { stop(); }
    ChangeHints(const ChangeHints&) = delete;
    ChangeHints& operator=(const ChangeHints&) = delete;

    /// `heard` is called on another thread for each hint of another process.
    void start(std::function<void()> heard);
    void stop() noexcept;
    /// Soon, on the other thread: at most one each 10 ms, however often it is asked for.
    void send() noexcept;
    /// On which channel, and whether to listen there.
    void follow(std::string channel, bool listen) STELE_EXCLUDES(mutex_);

    /// Of the log of that id in that schema: others of the same database have another.
    static std::string channel_of(std::string_view quoted_schema, std::string_view log_id);

private:
    using Time = Deadline::Clock::time_point;
    struct Orders {
        std::string channel;  // empty: not known yet
        bool listen = false;
    };
    void run() STELE_EXCLUDES(mutex_);
    void arrange(const Orders& orders);
    void listen(const std::string& channel);
    void send_due(const std::string& channel);
    void wait(const Orders& orders);
    void hang_up() noexcept;
    void failed(std::string_view what, const std::string& why);

    const Run run_;
    Pool* const pool_;
    const Log log_;
    const Observer& observer_;
    const std::string id_;  // says which hints are one's own

    std::optional<WakeUp> wake_up_;  // once started
    std::atomic<bool> running_{false}, stopping_{false}, to_send_{false};
    std::function<void()> heard_;
    std::thread thread_;
    Mutex mutex_;
    Orders orders_ STELE_GUARDED_BY(mutex_);

    // of the thread
    std::optional<Lease> listener_;
    std::string listens_on_;
    Time sent_at_{}, retry_at_{}, listens_since_{};
    std::chrono::milliseconds pause_{0};
    bool failing_ = false;
};

}  // namespace stele

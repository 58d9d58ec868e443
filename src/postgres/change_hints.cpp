#include "postgres/change_hints.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "base/hash.hpp"
#include "base/signals_blocked.hpp"
#include "postgres/identifier.hpp"
#include "postgres/lane_lock_timeout.hpp"
#include "postgres/socket_wait.hpp"
#include "stele/error.hpp"
#include "stele/uuid.hpp"

namespace stele {
namespace {

using namespace std::chrono_literals;

constexpr auto kBetweenHints = 10ms;
constexpr auto kHintPatience = 1s;  // with one statement
constexpr std::chrono::milliseconds kFirstPause = 100ms, kLongestPause = 10s;
constexpr auto kSteady = 10s;            // a connection that listened so long is not part of a series of failures
constexpr auto kBetweenGlances = 100ms;  // at whether the pool needs its connection back
constexpr auto kUntilThereIsRoom = 1s;

}  // namespace

ChangeHints::ChangeHints(Run run, Pool* pool, Log log, const Observer& observer)
    : run_(std::move(run)), pool_(pool), log_(std::move(log)), observer_(observer), id_(Uuid::v7().to_string()) {}

std::string ChangeHints::channel_of(std::string_view quoted_schema, std::string_view log_id) {
    // a channel's name has at most 63 bytes
    return "stele_" + sha256_hex(fmt::format("{}/{}", quoted_schema, log_id)).substr(0, 32);
}

void ChangeHints::start(std::function<void()> heard) {
    if (running_) return;
    heard_ = std::move(heard);
    wake_up_.emplace();
    const SignalsBlocked blocked;
    thread_ = std::thread([this] { run(); });
    running_.store(true, std::memory_order_release);
}

void ChangeHints::stop() noexcept {
    if (!running_.exchange(false)) return;
    stopping_ = true;
    wake_up_->wake();
    thread_.join();
}

void ChangeHints::send() noexcept {
    if (to_send_.load(std::memory_order_relaxed) || to_send_.exchange(true)) return;
    if (running_.load(std::memory_order_acquire)) wake_up_->wake();
}

void ChangeHints::follow(std::string channel, bool listen) {
    MutexLock lock(mutex_);
    if (orders_.channel == channel && orders_.listen == listen) return;
    orders_ = {std::move(channel), listen};
    if (running_.load(std::memory_order_acquire)) wake_up_->wake();
}

void ChangeHints::run() {
    while (!stopping_) {
        Orders orders;
        {
            MutexLock lock(mutex_);
            orders = orders_;
        }
        if (pool_ != nullptr) arrange(orders);
        if (!orders.channel.empty()) send_due(orders.channel);
        wait(orders);
    }
    if (listener_) listener_->discard();  // without a word to a server that may not answer
    listener_.reset();
}

void ChangeHints::arrange(const Orders& orders) {
    const Time now = Deadline::Clock::now();
    if (listener_ && pool_->crowded()) {
        hang_up();
        retry_at_ = now + kUntilThereIsRoom;
    }
    if (listener_ && (!orders.listen || orders.channel != listens_on_)) hang_up();
    if (!listener_ && orders.listen && now >= retry_at_) listen(orders.channel);
}

void ChangeHints::listen(const std::string& channel) {
    const PoolStatus pool = pool_->status();
    if (pool.waiting > 0 || pool.in_use + pool.connecting + 1 >= pool.maximum) {
        retry_at_ = Deadline::Clock::now() + kUntilThereIsRoom;
        return;
    }
    const Deadline until = Deadline::after(kHintPatience);
    Result<Lease> lease = acquire_without_lock_timeout(*pool_, until);
    if (!lease) return failed("heard", lease.error().message);
    lease->wire().drop_notifications();  // which came late for whoever had it before
    const Statement statement(Sql("LISTEN " + quote_identifier(channel)));
    if (Result<Rows> done = lease->wire().run(statement, until); !done) {
        lease->discard();
        return failed("heard", done.error().message);
    }
    listener_.emplace(std::move(*lease));
    listens_on_ = channel;
    listens_since_ = Deadline::Clock::now();
    failing_ = false;
    heard_();  // what was sent before is not told
}

void ChangeHints::send_due(const std::string& channel) {
    if (!to_send_ || Deadline::Clock::now() < sent_at_ + kBetweenHints) return;
    sent_at_ = Deadline::Clock::now();
    to_send_ = false;  // first: a write that commits from now on is for the next
    const Statement notify = Statement("SELECT pg_notify($1, $2)", channel, id_).repeatable();
    const Deadline until = Deadline::after(kHintPatience);
    if (listener_) {
        if (Result<Rows> done = listener_->wire().run(notify, until); !done) {
            hang_up();
            return failed("sent", done.error().message);
        }
    } else {
        try {
            run_(notify, until);
        } catch (const std::exception& error) {
            return failed("sent", error.what());
        }
    }
    observer_.hint(Observer::Hint::sent);
}

void ChangeHints::wait(const Orders& orders) {
    Deadline until;
    if (to_send_ && !orders.channel.empty()) until = Deadline::at(sent_at_ + kBetweenHints);
    if (pool_ != nullptr && orders.listen && !listener_) until = std::min(until, Deadline::at(retry_at_));
    if (!listener_) {
        wait_for(-1, 0, until, &*wake_up_);
        return;
    }
    until = std::min(until, Deadline::after(kBetweenGlances));
    Result<std::optional<Notification>> hint = listener_->wire().wait_notification(&*wake_up_, until);
    if (!hint) {
        hang_up();
        return failed("heard", hint.error().message);
    }
    if (!*hint || (*hint)->payload == id_) return;
    observer_.hint(Observer::Hint::received);
    heard_();
}

void ChangeHints::hang_up() noexcept {
    static const Statement kUnlisten("UNLISTEN *");
    if (!listener_->wire().broken() && !listener_->wire().run(kUnlisten, Deadline::after(kHintPatience))) {
        listener_->discard();
    }
    listener_.reset();
}

void ChangeHints::failed(std::string_view what, const std::string& why) {
    const Time now = Deadline::Clock::now();
    if (now - listens_since_ > kSteady) pause_ = {};
    pause_ = std::clamp(2 * pause_, kFirstPause, kLongestPause);
    retry_at_ = now + pause_;
    if (std::exchange(failing_, true)) return;
    log_(fmt::format("hints of changes cannot be {}, so they are found a little later: {}", what, why));
}

}  // namespace stele

// The thread of a proxy: what arrives on one side leaves on the other.
#include <sys/eventfd.h>
#include <sys/prctl.h>
#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <utility>

#include "support/proxy.hpp"

namespace stele::test {
namespace {

constexpr std::size_t kMostUnderWay = 64 * 1024 * 1024;

}  // namespace

void Proxy::run() {
    ::prctl(PR_SET_TIMERSLACK, 1UL, 0UL, 0UL, 0UL);  // else delayed bytes arrive later still
    std::vector<pollfd> polled;
    for (;;) {
        std::optional<Time> next;
        {
            const MutexLock lock(mutex_);
            pairs_.remove_if([](const Pair& pair) { return pair.doomed; });
            if (stop_) return;
            next = list(polled);
        }
        timespec left{};
        if (next) {
            const auto wait =
                std::max(std::chrono::nanoseconds(*next - Time::clock::now()), std::chrono::nanoseconds());
            left.tv_sec = wait.count() / 1'000'000'000;
            left.tv_nsec = wait.count() % 1'000'000'000;
        }
        if (::ppoll(polled.data(), polled.size(), next ? &left : nullptr, nullptr) < 0) continue;
        const MutexLock lock(mutex_);
        serve(polled);
    }
}

std::optional<Proxy::Time> Proxy::list(std::vector<pollfd>& polled) const {
    polled.clear();
    polled.push_back({wakener_.get(), POLLIN, 0});
    polled.push_back({door_ == Door::silent ? -1 : listener_.get(), POLLIN, 0});
    std::optional<Time> next;
    for (const Pair& pair : pairs_) {
        for (const Way end : kWays) {
            const Flow& in = pair.flows[index_of(back(end))];
            const Flow& out = pair.flows[index_of(end)];
            // an end that has gone would be reported for ever
            pollfd entry{pair.gone[index_of(end)] && in.ended ? -1 : pair.ends[index_of(end)].get(), 0, 0};
            if (!in.ended && in.line.size() < kMostUnderWay) entry.events |= POLLIN;
            if (out.blocked) entry.events |= POLLOUT;
            polled.push_back(entry);
            if (const auto due = out.line.next_due(); due && !out.blocked && (!next || *due < *next)) next = due;
        }
    }
    return next;
}

void Proxy::serve(const std::vector<pollfd>& polled) {
    eventfd_t woken = 0;
    if (polled[0].revents != 0) ::eventfd_read(wakener_.get(), &woken);
    const Time now = Time::clock::now();
    std::size_t at = 2;
    for (Pair& pair : pairs_) {
        const std::size_t first = std::exchange(at, at + 2);
        for (const Way end : kWays) {
            const short events = polled[first + index_of(end)].revents;
            Flow& in = pair.flows[index_of(back(end))];
            if ((events & (POLLIN | POLLHUP | POLLERR)) == 0 || pair.doomed) continue;
            if (!in.ended) {
                take(pair, back(end), now);
            } else {
                pair.gone[index_of(end)] = true;
            }
        }
        if (pair.doomed) continue;
        for (const Way way : kWays) pass_on(pair, way, now);
        const auto done = [&pair](Way way) {
            return pair.flows[index_of(way)].ended && pair.flows[index_of(way)].line.empty();
        };
        if ((pair.cut && done(*pair.cut)) || (done(Way::to_server) && done(Way::to_client))) pair.doomed = true;
    }
    if (polled[1].revents != 0 && door_ != Door::silent) accept_all();
}

void Proxy::take(Pair& pair, Way way, Time now) {
    Flow& flow = pair.flows[index_of(way)];
    const int from = pair.ends[index_of(back(way))].get();
    const ssize_t got = ::recv(from, buffer_.data(), buffer_.size(), MSG_DONTWAIT);
    if (got < 0 && (errno == EAGAIN || errno == EINTR)) return;
    if (got <= 0) {
        flow.ended = true;
        if (got < 0) pair.gone[index_of(back(way))] = true;
        return;
    }
    auto bytes = static_cast<std::size_t>(got);
    count(pair, way, bytes);
    if (flow.swallowed || pair.gone[index_of(way)] || pair.doomed) {
        counts_.swallowed_bytes += flow.swallowed ? bytes : 0;
        return;
    }
    std::string_view piece(buffer_.data(), bytes);
    const auto delay = delays_[index_of(way)];
    if (delay.count() == 0 && flow.line.empty()) {
        // the common case, without a copy
        const ssize_t sent = ::send(pair.ends[index_of(way)].get(), piece.data(), piece.size(), MSG_NOSIGNAL);
        if (sent > 0) piece.remove_prefix(static_cast<std::size_t>(sent));
    }
    flow.line.push(piece, now + delay);
}

void Proxy::count(Pair& pair, Way way, std::size_t& bytes) {
    counts_.bytes[index_of(way)] += bytes;
    if (way == Way::to_server) {
        if (!std::exchange(asked_, true)) ++requests_;
    } else {
        asked_ = false;
        if (countdown_ > 1) {
            --countdown_;
        } else if (countdown_ == 1) {
            countdown_ = -1;
            ++counts_.cuts;
            pair.doomed = true;
            return;
        }
    }
    std::optional<std::uint64_t>& budget = budgets_[index_of(way)];
    if (!budget) return;
    if (bytes < *budget) {
        *budget -= bytes;
        return;
    }
    bytes = static_cast<std::size_t>(*budget);
    budget.reset();
    pair.flows[index_of(way)].ended = true;
    pair.cut = way;
    ++counts_.cuts;
}

void Proxy::pass_on(Pair& pair, Way way, Time now) {
    Flow& flow = pair.flows[index_of(way)];
    bool& gone = pair.gone[index_of(way)];
    const int to = pair.ends[index_of(way)].get();
    flow.blocked = false;
    while (!gone && !flow.blocked) {
        const std::string_view piece = flow.line.ready(now);
        if (piece.empty()) break;
        const ssize_t sent = ::send(to, piece.data(), piece.size(), MSG_NOSIGNAL);
        if (sent >= 0) {
            flow.line.take(static_cast<std::size_t>(sent));
        } else if (errno == EAGAIN) {
            flow.blocked = true;
        } else if (errno != EINTR) {
            gone = true;
        }
    }
    if (gone) flow.line.clear();
    if (flow.ended && !flow.swallowed && !pair.cut && flow.line.empty() && !std::exchange(flow.passed_on, true)) {
        ::shutdown(to, SHUT_WR);
    }
}

void Proxy::accept_all() {
    while (Socket client = accept_from(listener_)) {
        if (door_ == Door::shut) continue;
        Socket server = connect_to(target_);
        if (!server) continue;
        ++counts_.connections;
        Pair& pair = pairs_.emplace_back();
        pair.ends[index_of(Way::to_server)] = std::move(server);
        pair.ends[index_of(Way::to_client)] = std::move(client);
        for (const Way way : kWays) pair.flows[index_of(way)].swallowed = swallows_[index_of(way)];
    }
}

}  // namespace stele::test

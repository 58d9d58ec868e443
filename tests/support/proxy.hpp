// A wire between client and server that does what wires do: delay, break, fall silent.
#pragma once

#include <poll.h>

#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <list>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "base/mutex.hpp"
#include "support/delay_line.hpp"
#include "support/stream_socket.hpp"
#include "support/temporary_directory.hpp"

namespace stele::test {

enum class Way : std::uint8_t { to_server, to_client };
inline constexpr Way kWays[] = {Way::to_server, Way::to_client};
constexpr std::size_t index_of(Way way) {
    return static_cast<std::size_t>(way);
}
constexpr Way back(Way way) {
    return way == Way::to_server ? Way::to_client : Way::to_server;
}

enum class Transport : std::uint8_t { unix_socket, tcp };
enum class Door : std::uint8_t {
    open,
    silent,  ///< a new connection is neither taken nor refused, until the door opens again
    shut     ///< a new connection is closed at once
};

/// Stands before a PostgreSQL server. Its own thread passes bytes on; the controls may be called from any thread, and
/// hold from their return on.
class Proxy {
public:
    /// `dsn`: of the server, one host, a directory or an IPv4 address. It need not run yet.
    explicit Proxy(const std::string& dsn, Transport transport = Transport::unix_socket);
    Proxy(const Proxy&) = delete;
    Proxy& operator=(const Proxy&) = delete;
    ~Proxy();

    /// Leads through the proxy; the other parameters are the server's.
    std::string dsn() const { return dsn_; }

    /// Every byte sent from now on that way arrives so much later. Throughput stays (up to 64 MiB under way).
    void delay(Way way, std::chrono::microseconds delay);
    /// Both ways, so a round trip takes twice as long.
    void delay(std::chrono::microseconds each_way);
    /// After so many more bytes that way, of all connections together, the connection that carried the last is cut. One
    /// connection; arm it again for the next.
    void cut_after(Way way, std::uint64_t bytes);
    /// Cuts every connection.
    void cut_all();
    void door(Door door);
    /// Half-open: what is sent that way, now or on a new connection, is taken and never arrives, nor does the end of
    /// the connection. Such a connection stays silent until heal() cuts it.
    void swallow(Way way);
    /// No fault from now on: no delay, an open door, nothing armed. Connections that lost bytes are cut.
    void heal();

    /// The n-th piece that the server sends from now on (1: the next) never arrives; its connection is cut instead.
    void drop_reply(int n);
    void disarm() { drop_reply(0); }
    /// True once the armed reply was dropped.
    bool dropped() const;
    void refuse(bool refused) { door(refused ? Door::shut : Door::open); }

    struct Counts {
        std::uint64_t connections = 0;  ///< that reached the server
        std::uint64_t cuts = 0;         ///< of connections, by this proxy
        std::uint64_t swallowed_bytes = 0;
        std::array<std::uint64_t, 2> bytes{};  ///< taken from each side, by Way
    };
    Counts counts() const;
    /// How often a client sent something while nothing was on the way to it: its round trips.
    int requests() const;

private:
    using Time = DelayLine::Time;
    struct Flow {
        DelayLine line;
        bool ended = false;      // nothing more is read: its source closed, or it was cut
        bool passed_on = false;  // that end
        bool swallowed = false;
        bool blocked = false;  // the destination takes no more for now
    };
    // Index 0 is the server's end and the flow to it, 1 the client's: both by Way.
    struct Pair {
        std::array<Socket, 2> ends;
        std::array<Flow, 2> flows;
        std::array<bool, 2> gone{};  // that end takes nothing more
        std::optional<Way> cut;      // as soon as what goes this way has arrived
        bool doomed = false;
    };

    void run();
    std::optional<Time> list(std::vector<pollfd>& polled) const STELE_REQUIRES(mutex_);
    void serve(const std::vector<pollfd>& polled) STELE_REQUIRES(mutex_);
    void take(Pair& pair, Way way, Time now) STELE_REQUIRES(mutex_);
    void count(Pair& pair, Way way, std::size_t& bytes) STELE_REQUIRES(mutex_);
    void pass_on(Pair& pair, Way way, Time now) STELE_REQUIRES(mutex_);
    void accept_all() STELE_REQUIRES(mutex_);
    void wake() const;

    Address target_, address_;
    std::string dsn_;
    std::optional<TemporaryDirectory> directory_;  // of the Unix socket
    Socket listener_, wakener_;

    mutable Mutex mutex_;
    std::list<Pair> pairs_ STELE_GUARDED_BY(mutex_);  // closed by the thread alone, which waits for them unlocked
    std::array<std::chrono::microseconds, 2> delays_ STELE_GUARDED_BY(mutex_){};
    std::array<std::optional<std::uint64_t>, 2> budgets_ STELE_GUARDED_BY(mutex_);
    std::array<bool, 2> swallows_ STELE_GUARDED_BY(mutex_){};
    Door door_ STELE_GUARDED_BY(mutex_) = Door::open;
    int countdown_ STELE_GUARDED_BY(mutex_) = 0;
    bool asked_ STELE_GUARDED_BY(mutex_) = false;
    int requests_ STELE_GUARDED_BY(mutex_) = 0;
    Counts counts_ STELE_GUARDED_BY(mutex_);
    bool stop_ STELE_GUARDED_BY(mutex_) = false;
    std::vector<char> buffer_;  // of the thread
    std::thread thread_;
};

}  // namespace stele::test

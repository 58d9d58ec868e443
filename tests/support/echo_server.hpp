// A server for the tests of the wire alone.
#pragma once

#include <poll.h>
#include <sys/socket.h>

#include <atomic>
#include <cerrno>
#include <chrono>
#include <cstddef>
#include <iterator>
#include <list>
#include <thread>
#include <utility>
#include <vector>

#include "support/stream_socket.hpp"

namespace stele::test {

/// Waits until something can be read, or the other end is gone.
inline bool readable(const Socket& socket, std::chrono::milliseconds patience) {
    pollfd entry{socket.get(), POLLIN, 0};
    return ::poll(&entry, 1, static_cast<int>(patience.count())) > 0;
}

/// Says everything back, on any number of connections, until it is destroyed.
class EchoServer {
public:
    explicit EchoServer(Address& address) : listener_(listen_on(address)), thread_([this] { run(); }) {}
    EchoServer(const EchoServer&) = delete;
    EchoServer& operator=(const EchoServer&) = delete;
    ~EchoServer() {
        stop_ = true;
        thread_.join();
    }
    /// Bytes that reached it.
    std::size_t received() const { return received_; }
    /// Connections whose client is still there, as far as it knows.
    std::size_t open() const { return open_; }

private:
    void run() {
        std::list<Socket> clients;
        std::vector<char> bytes(1 << 16);
        while (!stop_) {
            std::vector<pollfd> polled{{listener_.get(), POLLIN, 0}};
            for (const Socket& client : clients) polled.push_back({client.get(), POLLIN, 0});
            if (::poll(polled.data(), polled.size(), 5) <= 0) continue;
            std::size_t at = 1;
            for (auto client = clients.begin(); client != clients.end();) {
                bool stays = true;
                if (polled[at++].revents != 0) {
                    const ssize_t got = ::recv(client->get(), bytes.data(), bytes.size(), 0);
                    stays = got > 0;
                    if (stays) received_ += static_cast<std::size_t>(got);
                    for (ssize_t sent = 0; stays && sent < got;) {
                        const auto left = static_cast<std::size_t>(got - sent);
                        const ssize_t part = ::send(client->get(), bytes.data() + sent, left, MSG_NOSIGNAL);
                        if (part > 0) sent += part;
                        if (part < 0 && errno != EAGAIN) stays = false;
                        if (stop_) return;
                    }
                }
                client = stays ? std::next(client) : clients.erase(client);
            }
            if (Socket client = accept_from(listener_)) clients.push_back(std::move(client));
            open_ = clients.size();
        }
    }

    Socket listener_;
    std::atomic<bool> stop_{false};
    std::atomic<std::size_t> received_{0}, open_{0};
    std::thread thread_;
};

}  // namespace stele::test

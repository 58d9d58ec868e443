// Stream sockets on this machine: a Unix socket in a directory, or a port of the loopback interface.
#pragma once

#include <cstdint>
#include <string>
#include <utility>

namespace stele::test {

/// Owns a descriptor. Move-only.
class Socket {
public:
    Socket() = default;
    explicit Socket(int descriptor) : descriptor_(descriptor) {}
    Socket(Socket&& other) noexcept : descriptor_(std::exchange(other.descriptor_, -1)) {}
    Socket& operator=(Socket&& other) noexcept {
        std::swap(descriptor_, other.descriptor_);
        return *this;
    }
    ~Socket();

    int get() const { return descriptor_; }
    explicit operator bool() const { return descriptor_ >= 0; }

private:
    int descriptor_ = -1;
};

/// Where a server listens, in PostgreSQL's terms.
struct Address {
    std::string host;  ///< a directory, from its leading slash on, or an IPv4 address
    std::uint16_t port = 5432;

    bool is_unix() const { return host.starts_with('/'); }
    /// The socket's file.
    std::string path() const { return host + "/.s.PGSQL." + std::to_string(port); }
};

/// A listening socket that does not block; port 0 takes a free one and says which. Throws std::system_error.
Socket listen_on(Address& address);
/// A connection that does not block, perhaps still being made; empty when there is no server.
Socket connect_to(const Address& address);
/// The next waiting connection, which does not block; empty when there is none.
Socket accept_from(const Socket& listener);

}  // namespace stele::test

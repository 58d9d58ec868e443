#include "support/stream_socket.hpp"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <stdexcept>
#include <system_error>

namespace stele::test {
namespace {

constexpr int kKind = SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK;
constexpr int kBacklog = 128;

[[noreturn]] void raise_errno(const std::string& what) {
    throw std::system_error(errno, std::generic_category(), what);
}

/// The address as the kernel wants it.
struct Name {
    explicit Name(const Address& address) {
        if (address.is_unix()) {
            auto& name = reinterpret_cast<sockaddr_un&>(bytes);
            const std::string path = address.path();
            if (path.size() >= sizeof name.sun_path) throw std::runtime_error("too long for a socket: " + path);
            name.sun_family = AF_UNIX;
            std::memcpy(name.sun_path, path.c_str(), path.size() + 1);
            length = sizeof name;
        } else {
            auto& name = reinterpret_cast<sockaddr_in&>(bytes);
            name.sin_family = AF_INET;
            name.sin_port = htons(address.port);
            if (::inet_pton(AF_INET, address.host.c_str(), &name.sin_addr) != 1) {
                throw std::runtime_error("neither a directory nor an IPv4 address: " + address.host);
            }
            length = sizeof name;
        }
    }
    const sockaddr* get() const { return reinterpret_cast<const sockaddr*>(&bytes); }

    sockaddr_storage bytes{};
    socklen_t length = 0;
};

void send_at_once(const Socket& socket) {
    const int on = 1;  // fails on a Unix socket, which never waits
    ::setsockopt(socket.get(), IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
}

}  // namespace

Socket::~Socket() {
    if (descriptor_ >= 0) ::close(descriptor_);
}

Socket listen_on(Address& address) {
    const Name name(address);
    Socket socket(::socket(name.bytes.ss_family, kKind, 0));
    if (!socket) raise_errno("socket");
    if (::bind(socket.get(), name.get(), name.length) != 0 || ::listen(socket.get(), kBacklog) != 0) {
        raise_errno("listen on " + address.host);
    }
    if (!address.is_unix()) {
        sockaddr_in bound{};
        socklen_t length = sizeof bound;
        if (::getsockname(socket.get(), reinterpret_cast<sockaddr*>(&bound), &length) != 0) raise_errno("getsockname");
        address.port = ntohs(bound.sin_port);
    }
    return socket;
}

Socket connect_to(const Address& address) {
    const Name name(address);
    Socket socket(::socket(name.bytes.ss_family, kKind, 0));
    if (!socket) raise_errno("socket");
    if (::connect(socket.get(), name.get(), name.length) != 0 && errno != EINPROGRESS) return {};
    send_at_once(socket);
    return socket;
}

Socket accept_from(const Socket& listener) {
    Socket socket(::accept4(listener.get(), nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK));
    if (socket) send_at_once(socket);
    return socket;
}

}  // namespace stele::test

#include "support/proxy.hpp"

#include <sys/eventfd.h>

#include <utility>

#include "stele/dsn.hpp"

namespace stele::test {
namespace {

constexpr std::size_t kPiece = 64 * 1024;

Address address_of(const Dsn& dsn) {
    const auto& parameters = dsn.parameters();
    Address address{parameters.at("host")};
    if (const auto port = parameters.find("port"); port != parameters.end()) {
        address.port = static_cast<std::uint16_t>(std::stoi(port->second));
    }
    return address;
}

std::string text_of(const Dsn& dsn, const Address& address) {
    auto parameters = dsn.parameters();
    parameters["host"] = address.host;
    parameters["port"] = std::to_string(address.port);
    std::string text;
    for (const auto& [keyword, value] : parameters) {
        text += (text.empty() ? "" : " ") + keyword + "='";
        for (const char c : value) {
            if (c == '\'' || c == '\\') text += '\\';
            text += c;
        }
        text += "'";
    }
    return text;
}

}  // namespace

Proxy::Proxy(const std::string& dsn, Transport transport)
    : wakener_(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)), buffer_(kPiece) {
    const Dsn server = Dsn::parse(dsn);
    target_ = address_of(server);
    if (transport == Transport::tcp) {
        address_ = {"127.0.0.1", 0};
    } else {
        address_ = {directory_.emplace(place_of_sockets()).path().string(), 5432};
    }
    listener_ = listen_on(address_);
    dsn_ = text_of(server, address_);
    thread_ = std::thread([this] { run(); });
}

Proxy::~Proxy() {
    {
        const MutexLock lock(mutex_);
        stop_ = true;
    }
    wake();
    thread_.join();
}

void Proxy::delay(Way way, std::chrono::microseconds delay) {
    const MutexLock lock(mutex_);
    delays_[index_of(way)] = delay;
}

void Proxy::delay(std::chrono::microseconds each_way) {
    const MutexLock lock(mutex_);
    delays_.fill(each_way);
}

void Proxy::cut_after(Way way, std::uint64_t bytes) {
    const MutexLock lock(mutex_);
    budgets_[index_of(way)] = bytes;
}

void Proxy::cut_all() {
    {
        const MutexLock lock(mutex_);
        for (Pair& pair : pairs_) counts_.cuts += !std::exchange(pair.doomed, true);
    }
    wake();
}

void Proxy::door(Door door) {
    {
        const MutexLock lock(mutex_);
        door_ = door;
    }
    wake();
}

void Proxy::swallow(Way way) {
    const MutexLock lock(mutex_);
    swallows_[index_of(way)] = true;
    for (Pair& pair : pairs_) {
        Flow& flow = pair.flows[index_of(way)];
        flow.swallowed = true;
        counts_.swallowed_bytes += flow.line.size();
        flow.line.clear();
    }
}

void Proxy::heal() {
    {
        const MutexLock lock(mutex_);
        delays_.fill({});
        budgets_.fill({});
        swallows_.fill(false);
        door_ = Door::open;
        countdown_ = 0;
        for (Pair& pair : pairs_) {
            if (pair.flows[0].swallowed || pair.flows[1].swallowed) {
                counts_.cuts += !std::exchange(pair.doomed, true);
            }
        }
    }
    wake();
}

void Proxy::drop_reply(int n) {
    const MutexLock lock(mutex_);
    countdown_ = n;
}

bool Proxy::dropped() const {
    const MutexLock lock(mutex_);
    return countdown_ < 0;
}

Proxy::Counts Proxy::counts() const {
    const MutexLock lock(mutex_);
    return counts_;
}

int Proxy::requests() const {
    const MutexLock lock(mutex_);
    return requests_;
}

void Proxy::wake() const {
    ::eventfd_write(wakener_.get(), 1);
}

}  // namespace stele::test

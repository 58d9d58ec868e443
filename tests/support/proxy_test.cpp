// The proxy alone, before a server that says everything back.
#include "support/proxy.hpp"

#include <gtest/gtest.h>
#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <ctime>
#include <utility>

#include "stele/dsn.hpp"
#include "support/echo_server.hpp"
#include "support/eventually.hpp"
#include "support/temporary_directory.hpp"

namespace stele::test {
namespace {

using namespace std::chrono_literals;
using Clock = std::chrono::steady_clock;

class ProxyTest : public testing::TestWithParam<Transport> {
protected:
    static constexpr auto kLong = 10s;  // never waited for when all is well

    Socket connect() const {
        const Dsn dsn = Dsn::parse(proxy.dsn());
        return connect_to(
            {dsn.parameters().at("host"), static_cast<std::uint16_t>(std::stoi(dsn.parameters().at("port")))});
    }
    static void say(const Socket& socket, std::string_view text) {
        while (!text.empty()) {
            const ssize_t sent = ::send(socket.get(), text.data(), text.size(), MSG_NOSIGNAL);
            if (sent > 0) text.remove_prefix(static_cast<std::size_t>(sent));
            if (sent < 0 && errno != EAGAIN) return;
        }
    }
    /// What comes until that many bytes have, the end has, or nothing has for a while.
    static std::string hear(const Socket& socket, std::size_t bytes, std::chrono::milliseconds patience = kLong) {
        std::string text;
        std::vector<char> piece(1 << 16);
        while (text.size() < bytes && readable(socket, patience)) {
            const std::size_t most = std::min(piece.size(), bytes - text.size());
            const ssize_t got = ::recv(socket.get(), piece.data(), most, 0);
            if (got <= 0) break;
            text.append(piece.data(), static_cast<std::size_t>(got));
        }
        return text;
    }
    static std::string ask(const Socket& socket, const std::string& text) {
        say(socket, text);
        return hear(socket, text.size());
    }
    /// Closed by the other side, and nothing more to read.
    static bool ended(const Socket& socket, std::chrono::milliseconds patience = kLong) {
        char byte = 0;
        return readable(socket, patience) && ::recv(socket.get(), &byte, 1, 0) <= 0;
    }

    TemporaryDirectory directory{place_of_sockets()};
    Address address = GetParam() == Transport::tcp ? Address{"127.0.0.1", 0} : Address{directory.path().string(), 5432};
    EchoServer server{address};
    Proxy proxy{"host=" + address.host + " port=" + std::to_string(address.port) + " user=me password='it\\'s'",
                GetParam()};
};

INSTANTIATE_TEST_SUITE_P(Proxy, ProxyTest, testing::Values(Transport::unix_socket, Transport::tcp),
                         [](const auto& each) { return each.param == Transport::tcp ? "tcp" : "unix_socket"; });

TEST_P(ProxyTest, passes_everything_on_both_ways_in_order) {
    const Socket one = connect(), two = connect();
    std::string text;
    for (int i = 0; i < 200'000; ++i) text += std::to_string(i);
    std::thread speaker([&] { say(one, text); });
    EXPECT_EQ(hear(one, text.size()), text);
    speaker.join();
    EXPECT_EQ(ask(two, "second"), "second");
    EXPECT_EQ(proxy.counts().connections, 2u);
    EXPECT_EQ(proxy.counts().bytes[0], text.size() + 6);
    EXPECT_EQ(proxy.counts().bytes[1], text.size() + 6);
    EXPECT_EQ(proxy.counts().cuts, 0u);
}

TEST_P(ProxyTest, keeps_the_other_parameters_of_the_connection_string) {
    const Dsn dsn = Dsn::parse(proxy.dsn());
    EXPECT_EQ(dsn.parameters().at("user"), "me");
    EXPECT_EQ(dsn.parameters().at("password"), "it's");
}

TEST_P(ProxyTest, tells_the_server_that_the_client_has_gone) {
    {
        const Socket client = connect();
        EXPECT_EQ(ask(client, "x"), "x");
    }
    EXPECT_TRUE(eventually([&] { return server.open() == 0; }));
}

TEST_P(ProxyTest, delays_each_way_without_taking_throughput) {
    const Socket client = connect();
    proxy.delay(Way::to_server, 20ms);
    proxy.delay(Way::to_client, 30ms);
    const auto began = Clock::now();
    EXPECT_EQ(ask(client, "x"), "x");
    EXPECT_GE(Clock::now() - began, 50ms);

    // a thousand pieces are under way at once: one after the other they would take a minute
    proxy.delay(30ms);
    const auto again = Clock::now();
    std::thread speaker([&] {
        for (int i = 0; i < 1000; ++i) {
            say(client, "0123456789");
            std::this_thread::sleep_for(10us);
        }
    });
    EXPECT_EQ(hear(client, 10'000).size(), 10'000u);
    speaker.join();
    EXPECT_GE(Clock::now() - again, 60ms);
    EXPECT_LT(Clock::now() - again, 20s);
}

TEST_P(ProxyTest, sleeps_while_bytes_are_on_their_way) {
    const Socket client = connect();
    proxy.delay(100ms);
    const auto cpu = [] { return std::clock(); };
    const auto before = cpu();
    EXPECT_EQ(ask(client, "x"), "x");
    // the echo server looks up every 5 ms, the proxy not at all
    EXPECT_LT(cpu() - before, CLOCKS_PER_SEC / 10);
}

TEST_P(ProxyTest, cuts_a_connection_after_so_many_bytes_to_the_server) {
    const Socket other = connect();
    const Socket client = connect();
    EXPECT_EQ(ask(other, "xy") + ask(client, "x"), "xyx");
    const std::size_t before = server.received();
    proxy.cut_after(Way::to_server, 3);
    say(client, "abcdef");
    EXPECT_LE(hear(client, 100).size(), 3u);  // what came back before its end
    EXPECT_TRUE(ended(client));
    EXPECT_TRUE(eventually([&] { return server.open() == 1; }));
    EXPECT_EQ(server.received() - before, 3u);
    EXPECT_EQ(proxy.counts().cuts, 1u);
    EXPECT_EQ(ask(other, "still here"), "still here");
}

TEST_P(ProxyTest, cuts_a_connection_after_so_many_bytes_to_the_client_even_under_way) {
    const Socket client = connect();
    EXPECT_EQ(ask(client, "x"), "x");
    proxy.delay(Way::to_client, 20ms);
    proxy.cut_after(Way::to_client, 4);
    EXPECT_EQ(ask(client, "abcdef"), "abcd");
    EXPECT_TRUE(ended(client));
    EXPECT_TRUE(eventually([&] { return server.open() == 0; }));
    EXPECT_EQ(ask(connect(), "next"), "next");  // it was armed for one
}

TEST_P(ProxyTest, cuts_every_connection) {
    const Socket one = connect(), two = connect();
    EXPECT_EQ(ask(one, "x") + ask(two, "y"), "xy");
    proxy.cut_all();
    EXPECT_TRUE(ended(one));
    EXPECT_TRUE(ended(two));
    EXPECT_EQ(proxy.counts().cuts, 2u);
    EXPECT_EQ(ask(connect(), "next"), "next");
}

TEST_P(ProxyTest, a_silent_door_lets_new_connections_wait_and_the_old_ones_work) {
    const Socket old = connect();
    EXPECT_EQ(ask(old, "x"), "x");
    proxy.door(Door::silent);
    const Socket late = connect();
    say(late, "late");
    EXPECT_FALSE(readable(late, 100ms));
    EXPECT_EQ(ask(old, "y"), "y");
    proxy.heal();
    EXPECT_EQ(hear(late, 4), "late");
}

TEST_P(ProxyTest, a_shut_door_closes_new_connections_and_the_old_ones_work) {
    const Socket old = connect();
    EXPECT_EQ(ask(old, "x"), "x");
    proxy.door(Door::shut);
    EXPECT_TRUE(ended(connect()));
    EXPECT_EQ(ask(old, "y"), "y");
    proxy.heal();
    EXPECT_EQ(ask(connect(), "z"), "z");
}

TEST_P(ProxyTest, swallows_replies_without_a_word_until_it_is_healed) {
    const Socket client = connect();
    EXPECT_EQ(ask(client, "x"), "x");
    const std::size_t before = server.received();
    proxy.swallow(Way::to_client);
    say(client, "lost");
    EXPECT_FALSE(readable(client, 100ms));
    EXPECT_EQ(server.received() - before, 4u);  // the server did get it
    EXPECT_EQ(proxy.counts().swallowed_bytes, 4u);
    const Socket fresh = connect();
    say(fresh, "too");
    EXPECT_FALSE(readable(fresh, 100ms));
    proxy.heal();
    EXPECT_TRUE(ended(client));  // bytes are missing: it cannot go on
    EXPECT_TRUE(ended(fresh));
    EXPECT_EQ(ask(connect(), "next"), "next");
}

TEST_P(ProxyTest, swallows_requests_and_the_end_of_the_connection) {
    {
        const Socket client = connect();
        EXPECT_EQ(ask(client, "x"), "x");
        proxy.swallow(Way::to_server);
        say(client, "lost");
        EXPECT_FALSE(readable(client, 100ms));
    }
    std::this_thread::sleep_for(50ms);
    EXPECT_EQ(server.received(), 1u);
    EXPECT_EQ(server.open(), 1u);  // it was not told that the client has gone
    proxy.heal();
    EXPECT_TRUE(eventually([&] { return server.open() == 0; }));
}

TEST_P(ProxyTest, swallows_what_is_already_under_way) {
    const Socket client = connect();
    EXPECT_EQ(ask(client, "x"), "x");
    proxy.delay(Way::to_client, 50ms);
    say(client, "lost");
    ASSERT_TRUE(eventually([&] { return proxy.counts().bytes[1] == 5; }));
    proxy.swallow(Way::to_client);
    EXPECT_FALSE(readable(client, 150ms));
}

TEST_P(ProxyTest, drops_the_nth_reply_and_counts_round_trips) {
    const Socket client = connect();
    EXPECT_EQ(ask(client, "x"), "x");
    EXPECT_EQ(ask(client, "y"), "y");
    EXPECT_EQ(proxy.requests(), 2);
    proxy.drop_reply(2);
    EXPECT_EQ(ask(client, "z"), "z");
    EXPECT_FALSE(proxy.dropped());
    say(client, "w");
    EXPECT_TRUE(ended(client));
    EXPECT_TRUE(proxy.dropped());
}

TEST(Proxy, closes_new_connections_while_there_is_no_server) {
    const TemporaryDirectory nowhere(place_of_sockets());
    const Proxy proxy("host=" + nowhere.path().string() + " user=me");
    const Dsn dsn = Dsn::parse(proxy.dsn());
    const Socket client = connect_to({dsn.parameters().at("host"), 5432});
    char byte = 0;
    EXPECT_TRUE(readable(client, 10s));
    EXPECT_LE(::recv(client.get(), &byte, 1, 0), 0);
}

}  // namespace
}  // namespace stele::test

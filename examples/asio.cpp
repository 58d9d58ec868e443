// Statements in Boost.Asio's coroutines: no thread waits.
#include "stele/asio.hpp"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <iostream>

boost::asio::awaitable<void> greet(stele::AsyncDatabase database, int number) {
    stele::Statement statement("SELECT 'caller ' || $1::text AS greeting", number);
    statement.read();
    try {
        auto query = database.async_query(statement, boost::asio::use_awaitable);
        stele::Rows rows = co_await std::move(query);
        std::cout << rows[0].get<std::string>("greeting") << '\n';
    } catch (const stele::Error& error) {
        std::cerr << error.what() << '\n';
    }
}

int main() {
    boost::asio::io_context context;
    stele::AsyncDatabase database(stele::Database::open({.bare = true}), context.get_executor());
    for (int number = 1; number <= 3; ++number) {
        boost::asio::co_spawn(context, greet(database, number), boost::asio::detached);
    }
    context.run();
}

#include <atomic>
#include <iostream>
#include <stele/stele.hpp>
#include <thread>

using namespace std::chrono_literals;

int main() {
    auto database = stele::Database::open({.schema = "hello"});
    auto connection = database.connect();
    connection.listen("jobs");
    const stele::Waker waker = connection.waker();

    std::atomic<bool> stop{false};
    std::thread listener([&] {
        while (!stop) {
            try {
                const auto found = connection.wait_notification(stele::Deadline::never());
                if (found) std::cout << found->channel << ": " << found->payload << "\n";
            } catch (const stele::Error& error) {  // the connection is gone, and with it what was sent meanwhile
                std::cout << error.what() << "\n";
                return;
            }
        }
    });
    database.execute("SELECT pg_notify('jobs', 'one is waiting')");
    std::this_thread::sleep_for(100ms);
    stop = true;
    waker.wake();
    listener.join();

    const stele::Canceller canceller = connection.canceller();
    std::thread impatient([&] {
        std::this_thread::sleep_for(100ms);
        canceller.cancel();
    });
    try {
        connection.execute("SELECT pg_sleep(60)");
    } catch (const stele::Error& error) {
        std::cout << error.what() << "\n";
    }
    impatient.join();
}

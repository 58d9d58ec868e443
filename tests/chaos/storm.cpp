#include "chaos/storm.hpp"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <stdexcept>
#include <thread>
#include <utility>

namespace stele::test {

using namespace std::chrono_literals;

namespace {

constexpr int kBlockingCallers = 12, kAsyncCallers = 8;
// fewer, so that callers wait for one another
constexpr std::size_t kConnections = 6;
constexpr auto kCalmBefore = 300ms, kCalmAfter = 500ms;

/// How long the callers may need after the fault, all of them.
std::chrono::milliseconds recovery_limit() {
    return 4 * slack();
}

}  // namespace

std::chrono::seconds storm_length() {
    const char* text = std::getenv("STELE_CHAOS_SECONDS");
    if (text == nullptr) return 5s;
    char* end = nullptr;
    const long seconds = std::strtol(text, &end, 10);
    if (*text == '\0' || *end != '\0' || seconds < 1 || seconds > 3'600) {
        throw std::runtime_error("STELE_CHAOS_SECONDS must be a number from 1 to 3600");
    }
    return std::chrono::seconds(seconds);
}

Storm::Storm(std::string name, const std::string& schema, std::string dsn, std::string direct)
    : name_(std::move(name)), dsn_(std::move(dsn)), direct_(std::move(direct)), tables_(schema) {}

void Storm::pause(int least_ms, int most_ms) {
    std::this_thread::sleep_for(between(least_ms, most_ms) * 1ms);
}

void Storm::hold() {
    if (std::exchange(held_, true)) return pause(200, 900);
    std::this_thread::sleep_for(kLongestDeadline + slack() + 200ms);
}

Database Storm::open() const {
    DatabaseOptions options;
    options.dsn = dsn_ + " application_name='" + name_ + "'";
    options.bare = true;
    options.max_connections = kConnections;
    options.connect_timeout = 1s;
    return Database::open(options);
}

void Storm::run(const std::function<void()>& fault, const std::function<void()>& heal) {
    DatabaseOptions options;
    options.dsn = direct_;
    options.bare = true;
    Database direct = Database::open(options);
    tables_.create(direct);
    std::chrono::milliseconds recovered{}, stalled{};
    Record total;
    std::vector<Load::Share> shares;
    {
        const Database database = open();
        Load load(tables_);
        load.add(kBlockingCallers, std::make_unique<BlockingCallers>(database));
        load.add(kAsyncCallers, std::make_unique<AsyncCallers>(database));
        std::this_thread::sleep_for(kCalmBefore);
        load.calm(false);
        load.until_all_answered(recovery_limit());  // those who still expect calm
        for (const Deadline end = Deadline::after(storm_length()); !end.expired();) fault();
        heal();
        recovered = load.until_all_answered(recovery_limit());
        load.calm(true);
        std::this_thread::sleep_for(kCalmAfter);
        total.add(load.stop());
        shares = load.shares();
        stalled = load.stalled();
    }
    EXPECT_LT(recovered, recovery_limit()) << "not every caller was answered again after the fault";
    wait_for_the_last_backend(direct);
    total.compare(tables_.read(direct));
    counts_ = total.counts();
    report(recovered, shares);
    if (stalled.count() > 0) fmt::print("chaos: {}: the machine stood still for {} ms\n", name_, stalled.count());
    EXPECT_EQ(total.fault_count(), 0u) << fmt::format("{}", fmt::join(total.faults(), "\n"));
    for (const Load::Share& share : shares) {
        EXPECT_GT(share.counts.answered, 100u) << "hardly any " << share.callers << " call was answered: no load";
    }
}

// a statement that the server still runs could be stored after the tables were read
void Storm::wait_for_the_last_backend(Database& direct) const {
    const Statement ask("SELECT FROM pg_stat_activity WHERE application_name = $1", name_);
    for (const Deadline end = Deadline::after(30s); !direct.query(ask).empty(); std::this_thread::sleep_for(10ms)) {
        ASSERT_FALSE(end.expired()) << "connections of the callers are still on the server";
    }
}

void Storm::report(std::chrono::milliseconds recovered, const std::vector<Load::Share>& shares) const {
    const auto ms = [](Deadline::Clock::duration duration) {
        return std::chrono::duration_cast<std::chrono::milliseconds>(duration).count();
    };
    fmt::print("chaos: {}: {} of the calls in doubt were stored; all callers answered again after {} ms\n", name_,
               counts_.in_doubt_stored, recovered.count());
    for (const auto& [callers, counts] : shares) {
        fmt::print(
            "chaos: {}: {}: {} calls: {} answered, {} refused as they must, {} failed, {} in doubt; slowest {} ms, at "
            "most {} ms past a deadline\n",
            name_, callers, counts.calls, counts.answered, counts.refused, counts.failed, counts.in_doubt,
            ms(counts.slowest), ms(counts.latest));
    }
}

}  // namespace stele::test

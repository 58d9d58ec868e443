#include "cache_rows_cost.hpp"

#include <fmt/core.h>

#include <algorithm>
#include <chrono>
#include <nlohmann/json.hpp>
#include <vector>

#include "entries.hpp"
#include "raw_postgres.hpp"
#include "support/proxy.hpp"

namespace stele::bench {
namespace {

using Json = nlohmann::json;

constexpr std::size_t kCalls = 200;

/// Pieces that a client sent, and bytes that the server wrote to its log, for each of kCalls calls.
class Meter {
public:
    explicit Meter(test::Proxy& proxy) : proxy_(proxy), server_(environment("STELE_TEST_DSN")) {}
    template <class Calls>
    void run(const Calls& calls) {
        const int before = proxy_.requests();
        const std::string place = server_.run("SELECT pg_current_wal_insert_lsn()");
        calls();
        round_trips = static_cast<double>(proxy_.requests() - before) / kCalls;
        wal_bytes = std::stod(server_.run("SELECT pg_current_wal_insert_lsn() - '" + place + "'")) / kCalls;
    }
    double round_trips = 0, wal_bytes = 0;

private:
    test::Proxy& proxy_;
    RawConnection server_;
};

}  // namespace

void cost_rows(SideBySide& bench, const CostlySides& sides, const CostlyWork& work) {
    constexpr const char *kSlowest = "us, p99", *kTrips = "round trips", *kLog = "bytes of WAL";
    const auto name = [&](const char* what) { return fmt::format("{}, one caller ({})", work.name, what); };
    if (!bench.wants(name(kSlowest)) && !bench.wants(name(kTrips)) && !bench.wants(name(kLog))) return;
    const auto row = [&](const char* what, std::function<double()> ours, std::function<double()> theirs) {
        bench.measure({.work = name(what),
                       .against = "mneme",
                       .compare = Compare::lower_is_better,
                       .at_least = {},
                       .ours = std::move(ours),
                       .theirs = std::move(theirs)});
    };
    test::Proxy ours_proxy(environment("STELE_TEST_DSN")), theirs_proxy(environment("STELE_TEST_DSN"));
    SemanticCache direct = sides.open(environment("STELE_TEST_DSN"));
    const auto rival = sides.open_rival(environment("STELE_TEST_DSN"));
    std::size_t call = 0;
    row(
        kSlowest,
        [&] {
            std::vector<double> times;
            const auto until = std::chrono::steady_clock::now() + std::chrono::duration<double>(sides.seconds);
            while (std::chrono::steady_clock::now() < until) {
                times.push_back(1e6 * seconds([&] { work.ours(direct, ++call); }));
            }
            std::sort(times.begin(), times.end());
            return times[times.size() * 99 / 100];
        },
        [&] {
            const Json told =
                rival->ask({{"do", "p99"}, {"work", work.rival}, {"rows", sides.rows}, {"seconds", sides.seconds}});
            return 1e6 * told["figure"].get<double>();
        });
    SemanticCache metered = sides.open(ours_proxy.dsn());
    const auto metered_rival = sides.open_rival(theirs_proxy.dsn());
    Meter ours(ours_proxy), theirs(theirs_proxy);
    const auto run_ours = [&] {
        ours.run([&] {
            for (std::size_t i = 0; i < kCalls; ++i) work.ours(metered, ++call);
        });
    };
    const auto run_theirs = [&] {
        theirs.run([&] {
            metered_rival->ask({{"do", "calls"}, {"work", work.rival}, {"rows", sides.rows}, {"count", kCalls}});
        });
    };
    const auto both = [&](const char* what, double Meter::* figure) {
        row(
            what, [&, figure] { return run_ours(), ours.*figure; },
            [&, figure] { return run_theirs(), theirs.*figure; });
    };
    both(kTrips, &Meter::round_trips);
    both(kLog, &Meter::wal_bytes);
}

}  // namespace stele::bench

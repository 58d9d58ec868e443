// A cache that holds no more than it may, and says what it does.
#include <iostream>
#include <stele/stele.hpp>

int main() {
    const auto prometheus = std::make_shared<stele::PrometheusMetrics>();
    const stele::CacheMetrics metrics(prometheus);
    stele::SemanticCache cache(stele::Database::open(), nullptr, {.on_event = metrics});
    cache.set_limits({.bytes = 2'000'000'000});                         // all tenants together, for every process
    cache.set_quota("acme", {.entries = 10'000, .bytes = 50'000'000});  // all scopes of one
    cache.put("Where is my order?", "In your account, under Orders.", "acme", {.ttl = std::chrono::hours(24)});
    cache.vacuum();  // what has expired

    stele::CacheEntryFilter cold;
    cold.order = stele::EntryOrder::coldest_first;
    cold.min_age = std::chrono::days(30);
    for (const stele::CacheEntry& entry : cache.entries("acme", cold)) {
        std::cout << entry.query << ": " << entry.access_count << " hits, the last " << entry.idle.count()
                  << " s ago\n";
    }
    metrics.update_gauges(cache.stats());
    std::cout << prometheus->text();
}

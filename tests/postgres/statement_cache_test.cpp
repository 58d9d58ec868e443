#include "postgres/statement_cache.hpp"

#include <gtest/gtest.h>

namespace stele {
namespace {

TEST(StatementCache, gives_the_same_entry_for_the_same_text_and_types) {
    StatementCache cache(4);
    auto* entry = cache.find_or_add(Statement("SELECT $1", 1));
    EXPECT_EQ(cache.find_or_add(Statement("SELECT $1", 2)), entry);
    EXPECT_NE(cache.find_or_add(Statement("SELECT $1", "text")), entry);
    EXPECT_NE(cache.find_or_add(Statement("SELECT $1 ", 1)), entry);
    EXPECT_EQ(cache.size(), 3u);
}

TEST(StatementCache, an_empty_optional_has_the_type_of_a_full_one) {
    StatementCache cache(4);
    auto* entry = cache.find_or_add(Statement("SELECT $1", std::optional<std::int64_t>(7)));
    EXPECT_EQ(cache.find_or_add(Statement("SELECT $1", std::optional<std::int64_t>())), entry);
}

TEST(StatementCache, evicts_the_least_recently_used_but_nothing_of_the_batch_being_built) {
    StatementCache cache(2);
    cache.mark();
    const std::string first = cache.find_or_add(Statement("A"))->name;
    cache.find_or_add(Statement("B"));
    cache.find_or_add(Statement("C"));
    EXPECT_FALSE(cache.evict());  // all three are in use now
    cache.mark();
    cache.find_or_add(Statement("B"));
    EXPECT_EQ(cache.evict(), first);
    EXPECT_FALSE(cache.evict());
}

TEST(StatementCache, names_nothing_when_it_may_keep_nothing) {
    StatementCache cache(0);
    EXPECT_EQ(cache.find_or_add(Statement("A")), nullptr);
}

TEST(StatementCache, a_forgotten_entry_gets_a_new_name) {
    StatementCache cache(2);
    auto* entry = cache.find_or_add(Statement("A"));
    const std::string name = entry->name;
    cache.forget(entry);
    EXPECT_NE(cache.find_or_add(Statement("A"))->name, name);
    EXPECT_EQ(entry->name, name);  // a batch may still refer to it
    cache.forget(entry);           // by two batches
    EXPECT_EQ(cache.size(), 1u);
    cache.bury();
}

}  // namespace
}  // namespace stele

#include "cache/counters.hpp"

#include <gtest/gtest.h>

#include "postgres/oids.hpp"
#include "support/fake_rows.hpp"

namespace stele {
namespace {

TEST(Counters, mneme_133_count_by_namespace_and_hand_over_what_is_not_zero) {
    Counters counters;
    counters.add("a:b", Counter::misses);
    counters.add("a:b", Counter::misses, 2);
    counters.add("c", Counter::hits_exact);
    const Counters::Batch batch = counters.take();
    EXPECT_EQ(batch.namespaces, (std::vector<std::string>{"a:b", "c"}));
    EXPECT_EQ(batch.names, (std::vector<std::string>{"misses", "hits_exact"}));
    EXPECT_EQ(batch.values, (std::vector<std::int64_t>{3, 1}));
    EXPECT_TRUE(counters.take().empty());
}

TEST(Counters, what_could_not_be_stored_is_not_lost) {
    Counters counters;
    counters.add("a", Counter::expirations);
    const Counters::Batch batch = counters.take();
    counters.add("a", Counter::expirations);
    counters.put_back(batch);
    EXPECT_EQ(counters.take().values, std::vector<std::int64_t>{2});
}

TEST(Counters, can_be_looked_at_before_they_are_handed_over) {
    Counters counters;
    counters.add("a", Counter::misses);
    counters.add("b", Counter::misses, 2);
    const auto misses = [&](const std::optional<std::string>& name_space) {
        return counters.pending(name_space)[static_cast<std::size_t>(Counter::misses)];
    };
    EXPECT_EQ(misses("a"), 1);
    EXPECT_EQ(misses("c"), 0);
    EXPECT_EQ(misses({}), 3);
    EXPECT_EQ(counters.take().values, (std::vector<std::int64_t>{1, 2}));
}

TEST(Counters, names_that_a_newer_version_may_have_added_are_left_out) {
    const Rows rows = test::fake_rows({{"name", oid::kText}, {"value", oid::kInt8, false}},
                                      {{"hits_semantic", "4"}, {"hits_by_smell", "9"}});
    const Counters::Values values = Counters::read(rows);
    EXPECT_EQ(values[static_cast<std::size_t>(Counter::hits_semantic)], 4);
    EXPECT_EQ(values[static_cast<std::size_t>(Counter::misses)], 0);
}

}  // namespace
}  // namespace stele

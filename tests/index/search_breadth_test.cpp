// How broad searches have to be, as an index says it.
#include "index/search_breadth.hpp"

#include <gtest/gtest.h>

namespace stele {
namespace {

TEST(SearchBreadth, is_noted_with_the_index_and_read_from_there_and_from_no_other_comment) {
    const auto read = read_breadth_note(breadth_note({121, 100'000}));
    ASSERT_TRUE(read);
    EXPECT_EQ(read->candidates, 121);
    EXPECT_EQ(read->rows, 100'000);
    EXPECT_EQ(breadth_note({121, 100'000}), "stele: searched with 121 candidates of 100000 rows");
    for (const char* other :
         {"", "for the catalogue", "stele: searched with ", "stele: searched with 5000 candidates of 9 rows",
          "stele: searched with 0 candidates of 9 rows", "stele: searched with 10 candidates of many rows",
          "stele: searched with 10 candidates of 9 rows of mine"}) {
        EXPECT_FALSE(read_breadth_note(other)) << other;
    }
}

}  // namespace
}  // namespace stele

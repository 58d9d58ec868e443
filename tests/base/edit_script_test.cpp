#include "base/edit_script.hpp"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <algorithm>
#include <numeric>
#include <random>
#include <string>

#include "support/sanitized.hpp"

namespace stele {
namespace {

using Sequence = std::vector<std::size_t>;

std::size_t changes_of(const EditScript& script) {
    return static_cast<std::size_t>(std::count(script.removed.begin(), script.removed.end(), true) +
                                    std::count(script.added.begin(), script.added.end(), true));
}

Sequence rest(const Sequence& sequence, const std::vector<bool>& without) {
    EXPECT_EQ(sequence.size(), without.size());
    Sequence kept;
    for (std::size_t i = 0; i < sequence.size(); ++i) {
        if (!without[i]) kept.push_back(sequence[i]);
    }
    return kept;
}

/// By the table of all pairs of beginnings.
std::size_t longest_common(const Sequence& before, const Sequence& after) {
    std::vector<std::size_t> row(after.size() + 1);
    for (const std::size_t value : before) {
        std::size_t diagonal = 0;
        for (std::size_t i = 0; i < after.size(); ++i) {
            const std::size_t above = row[i + 1];
            row[i + 1] = value == after[i] ? diagonal + 1 : std::max(above, row[i]);
            diagonal = above;
        }
    }
    return row.back();
}

/// "a-b+c": b was taken out, c put in.
std::string edit(std::string_view before, std::string_view after) {
    const auto numbers = [](std::string_view text) { return Sequence(text.begin(), text.end()); };
    const EditScript script = shortest_edit(numbers(before), numbers(after));
    std::string text;
    std::size_t x = 0, y = 0;
    while (x < before.size() || y < after.size()) {
        if (x < before.size() && script.removed[x]) {
            text.append("-").append(1, before[x++]);
        } else if (y < after.size() && script.added[y]) {
            text.append("+").append(1, after[y++]);
        } else {
            text += before[x++];
            ++y;
        }
    }
    return text;
}

TEST(ShortestEdit, takes_out_and_puts_in_no_more_than_it_must) {
    EXPECT_EQ(edit("", ""), "");
    EXPECT_EQ(edit("abc", "abc"), "abc");
    EXPECT_EQ(edit("abc", ""), "-a-b-c");
    EXPECT_EQ(edit("", "abc"), "+a+b+c");
    EXPECT_EQ(edit("abc", "axc"), "a-b+xc");
    EXPECT_EQ(edit("abcd", "bcde"), "-abcd+e");
    EXPECT_EQ(edit("abcabba", "cbabac").size(), std::string("abba").size() + 2 * 5);  // the paper's example
}

TEST(ShortestEdit, reads_a_change_at_the_end_of_what_it_repeats) {
    EXPECT_EQ(edit("{x}{y}", "{x}{z}{y}"), "{x}{+z+}+{y}");
    EXPECT_EQ(edit("aaab", "aab"), "aa-ab");
    EXPECT_EQ(edit("ab", "aab"), "a+ab");
    EXPECT_EQ(edit("xabab", "xab"), "xab-a-b");
}

TEST(ShortestEdit, reads_a_change_beside_one_of_the_other_sequence_if_it_can) {
    EXPECT_EQ(edit("aab", "xab"), "-a+xab");
    EXPECT_EQ(edit("caad", "cyad"), "c-a+yad");
}

RC_GTEST_PROP(ShortestEdit, of_random_sequences_leaves_the_longest_common_one, ()) {
    const auto sequence = [] {
        const auto highest = *rc::gen::inRange<std::size_t>(1, 8);
        return *rc::gen::container<Sequence>(rc::gen::inRange<std::size_t>(0, highest));
    };
    const Sequence before = sequence(), after = sequence();
    const EditScript script = shortest_edit(before, after);
    const Sequence kept = rest(before, script.removed);
    RC_ASSERT(kept == rest(after, script.added));
    RC_ASSERT(kept.size() == longest_common(before, after));
}

TEST(ShortestEdit, is_the_shortest_between_long_sequences_with_many_changes) {
    std::mt19937 random(7);
    for (int times = 0; times < 6; ++times) {
        Sequence before(1'200), after;
        for (std::size_t& value : before) value = random() % 300;
        for (const std::size_t value : before) {
            if (random() % 4 != 0) after.push_back(value);
            if (random() % 4 == 0) after.push_back(random() % 300);
        }
        const EditScript script = shortest_edit(before, after);
        const Sequence kept = rest(before, script.removed);
        EXPECT_EQ(kept, rest(after, script.added));
        EXPECT_EQ(kept.size(), longest_common(before, after));
    }
}

TEST(ShortestEdit, ends_soon_and_is_still_right_where_the_shortest_would_take_long) {
    constexpr std::size_t kSize = test::kSanitized ? 3'000 : 10'000;
    std::mt19937 random(11);
    Sequence before(kSize), shuffled(kSize), reversed(kSize), repeating(kSize), different(kSize);
    std::iota(before.begin(), before.end(), 0U);
    shuffled = before;
    std::shuffle(shuffled.begin(), shuffled.end(), random);
    reversed.assign(before.rbegin(), before.rend());
    for (std::size_t& value : repeating) value = random() % 100;
    std::iota(different.begin(), different.end(), kSize);
    for (const Sequence& after : {shuffled, reversed, repeating, different, Sequence(kSize, 1)}) {
        for (const Sequence& from : {before, shuffled, repeating}) {
            const EditScript script = shortest_edit(from, after);
            EXPECT_EQ(rest(from, script.removed), rest(after, script.added));
            EXPECT_LE(changes_of(script), 2 * kSize);
        }
    }
    EXPECT_EQ(changes_of(shortest_edit(before, different)), 2 * kSize);
    EXPECT_LE(changes_of(shortest_edit(before, reversed)), 2 * kSize - 2);
}

}  // namespace
}  // namespace stele

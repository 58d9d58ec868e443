// Who may compute: every order of steps of those who want to, wherever one of them dies, on tables and in the twin.
#include <gtest/gtest.h>

#include <array>

#include "base/hash.hpp"
#include "cache/any_cache.hpp"
#include "cache/memory_cache_store.hpp"
#include "cache/once/claims.hpp"
#include "cache/postgres_cache_store.hpp"
#include "support/dice.hpp"

namespace stele {
namespace {

using namespace std::chrono_literals;

/// What the claim of one question must do.
struct Model {
    int holder = -1;  // an actor
    bool lease_over = false;
    int stored = -1;  // by whom

    bool take(int actor) {
        if (stored >= 0 || (holder >= 0 && holder != actor && !lease_over)) return false;
        holder = actor;
        lease_over = false;
        return true;
    }
    void renew(int actor) {
        if (holder == actor) lease_over = false;
    }
    bool put(int actor) {
        if (holder != actor) return false;
        holder = -1;
        stored = actor;
        return true;
    }
    void release(int actor) {
        if (holder == actor) holder = -1;
    }
};

class ClaimsTest : public test::AnyCache {
protected:
    static constexpr int kActors = 2;
    static constexpr std::size_t kSteps = 4 * kActors + 2;

    ClaimsTest() {
        if (database) {
            store = std::make_shared<PostgresCacheStore>(*database, SemanticCacheOptions{});
        } else {
            store = std::make_shared<MemoryCacheStore>(memory, SemanticCacheOptions{});
        }
    }
    ~ClaimsTest() override = default;

    /// A new question, of which nobody knows.
    void begin() {
        query = "question " + std::to_string(++questions);
        hash = query_hash(query);
        model = Model();
        for (ComputeClaim& claim : claims) claim = {"default", hash, 1min};
    }
    /// One step of one of them, or time passes, or somebody removes the answer; the same in the model.
    void step(std::size_t which) {
        const Deadline until = Deadline::after(1min);
        if (which == 4 * kActors) {
            model.lease_over = true;
            if (!database) return clock.advance(2min);
            database->execute(Statement("UPDATE " + server.schema() +
                                            ".stele_computations SET lease_end = lease_end - interval '2 min'"
                                            " WHERE query_hash = $1",
                                        hash));
            return;
        }
        if (which > 4 * kActors) {
            EXPECT_EQ(store->remove("default", hash, until), model.stored >= 0);
            model.stored = -1;
            return;
        }
        const int actor = static_cast<int>(which / 4);
        ComputeClaim& claim = claims.at(which / 4);
        switch (which % 4) {
            case 0: {
                const bool there = model.stored >= 0;
                const ClaimLook look = store->claims()->take(claim, until);
                EXPECT_EQ(look.hit.has_value(), there);
                EXPECT_EQ(look.taken, model.take(actor));
                if (there) {
                    EXPECT_EQ(look.hit->response, std::to_string(model.stored));
                }
                if (!there && !look.taken) {
                    EXPECT_GT(look.left, 0ms);
                }
                EXPECT_LE(look.left, 1min);
                return;
            }
            case 1: store->claims()->renew({&claim, 1}, until); return model.renew(actor);
            case 2: return put(claim, actor);
            case 3: store->claims()->release(claim, until); return model.release(actor);
        }
    }
    void put(ComputeClaim& claim, int actor) {
        const Scope scope;
        const Json metadata = Json::object();
        const std::string response = std::to_string(actor);
        claim.replaced = false;
        const NewEntry entry{.scope = scope,
                             .hash = hash,
                             .query = query,
                             .response = response,
                             .unit = {},
                             .metadata = metadata,
                             .ttl = {},
                             .claim = &claim};
        store->put(entry, {}, Deadline::after(1min));
        EXPECT_EQ(!claim.replaced, model.put(actor));
    }
    /// What is stored is what the model says.
    void check() {
        ComputeClaim nobody{"default", hash, 1min};
        const ClaimLook look = store->claims()->take(nobody, Deadline::after(1min));
        EXPECT_EQ(look.taken, Model(model).take(kActors));
        ASSERT_EQ(look.hit.has_value(), model.stored >= 0);
        if (look.hit) {
            EXPECT_EQ(look.hit->response, std::to_string(model.stored));
        }
    }

    std::shared_ptr<CacheStore> store;
    std::array<ComputeClaim, kActors> claims;
    Model model;
    std::string query, hash;
    int questions = 0;
};

INSTANTIATE_TEST_SUITE_P(All, ClaimsTest, ::testing::Values(test::On::database, test::On::memory), test::name_of);

// Who dies makes no step any more, so orders in which one makes none after another are those with a death there.
TEST_P(ClaimsTest, a_claim_is_one_actors_at_a_time_and_only_his_answer_is_stored_in_every_order_of_steps) {
    const std::size_t depth = database ? 3 : 5;
    std::size_t orders = 1;
    for (std::size_t i = 0; i < depth; ++i) orders *= kSteps;
    for (std::size_t order = 0; order < orders; ++order) {
        begin();
        std::string trace;
        for (std::size_t i = 0, rest = order; i < depth; ++i, rest /= kSteps) {
            trace += std::to_string(rest % kSteps) + " ";
            step(rest % kSteps);
        }
        if (database) check();
        ASSERT_FALSE(HasFailure()) << trace;
    }
}

TEST_P(ClaimsTest, long_random_orders_of_steps_do_as_the_model_says) {
    for (unsigned seed = 0; seed < 40; ++seed) {
        test::Dice dice(seed);
        begin();
        std::string trace;
        for (int i = 0; i < 25; ++i) {
            const std::size_t which = dice.below(kSteps);
            trace += std::to_string(which) + " ";
            step(which);
            ASSERT_FALSE(HasFailure()) << "seed " << seed << ": " << trace;
        }
        check();
        ASSERT_FALSE(HasFailure()) << "seed " << seed << ": " << trace;
    }
}

TEST_P(ClaimsTest, several_claims_are_renewed_at_once_and_foreign_ones_left) {
    begin();
    ComputeClaim other{"other", hash, 1min}, foreign = claims[0];
    foreign.token = Uuid::v7();
    const Deadline until = Deadline::after(1min);
    EXPECT_TRUE(store->claims()->take(claims[0], until).taken);
    EXPECT_TRUE(store->claims()->take(other, until).taken);
    const ComputeClaim all[] = {claims[0], other, foreign};
    store->claims()->renew(all, until);
    EXPECT_FALSE(store->claims()->take(foreign, until).taken);
    EXPECT_TRUE(store->claims()->take(other, until).taken) << "taking again changes nothing";
}

}  // namespace
}  // namespace stele

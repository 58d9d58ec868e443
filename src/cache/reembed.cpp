#include "stele/reembed.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <thread>

#include "base/hash.hpp"
#include "base/result.hpp"
#include "base/text.hpp"
#include "cache/cache_sql.hpp"
#include "cache/entry_vector.hpp"
#include "cache/neighbour_overlap.hpp"
#include "cache/reembed_sql.hpp"

namespace stele {
inline namespace v0 {

namespace {

using nlohmann::json;

/// What the tables say of a re-embedding.
struct State {
    std::string embedder;
    std::size_t dimension = 0;
    std::optional<std::string> embedder_before{};
    std::size_t dimension_before = 0;
    bool switched = false;
};

std::string text_of(const State& state) {
    return json({{"embedder", state.embedder},
                 {"dimension", state.dimension},
                 {"embedder_before", state.embedder_before ? json(*state.embedder_before) : json()},
                 {"dimension_before", state.dimension_before},
                 {"switched", state.switched}})
        .dump();
}

State read_state(const std::string& text) {
    const json value = json::parse(text);
    State state;
    value.at("embedder").get_to(state.embedder);
    value.at("dimension").get_to(state.dimension);
    if (!value.at("embedder_before").is_null()) state.embedder_before = value["embedder_before"].get<std::string>();
    value.at("dimension_before").get_to(state.dimension_before);
    value.at("switched").get_to(state.switched);
    return state;
}

/// The text of which serving makes the vector: the hash tells how the cache that put it normalises.
std::string embedded_text(const std::string& query, std::string_view hash) {
    std::string normalized = normalize_query(query);
    if (query_hash(normalized) == hash) return normalized;
    std::string collapsed = collapse_blanks(query);
    if (query_hash(collapsed) == hash) return collapsed;
    return query_hash(query) == hash ? query : normalized;
}

/// What all calls have in common.
class Tables {
public:
    Tables(Database& database, const std::optional<Deadline>& deadline)
        : database_(database), deadline_(deadline), cache_(database.quoted_schema()), sql_(database.quoted_schema()) {}

    Database& database() const { return database_; }
    const ReembedSql& sql() const { return sql_; }
    std::string where() const { return fmt::format("{} (schema {})", database_.describe(), database_.schema()); }

    std::optional<State> state(Executor& executor) const {
        const Rows rows = executor.query(Statement(sql_.state), deadline_);
        if (rows.empty()) return std::nullopt;
        try {
            return read_state(rows[0].get<std::string>(0));
        } catch (const json::exception&) {
            raise(ErrorCode::type_mismatch,
                  fmt::format("the row 'stele_reembed' of schema_meta in {} is damaged: delete it, and all of "
                              "stele_shadow_vectors, to begin anew",
                              where()));
        }
    }
    /// As one transaction that keeps puts out, and others of its kind.
    template <class Work>
    auto alone(const Work& work) const {
        return database_.transaction([&](Transaction& transaction) {
            const Statement batch[] = {Statement(sql_.no_timeout), Statement(cache_.hold_version)};
            transaction.run(batch, patience());
            return work(transaction);
        });
    }
    /// Puts the vectors of one side in the place of all. All of them: those that there are go to the other side.
    void swap(Transaction& transaction, const State& state, bool forward,
              const std::function<void(const ReembedProgress&)>& on_progress) const {
        constexpr std::int64_t kStep = 5000;
        const auto run = [&](const Statement& statement) { return transaction.query(statement, patience()); };
        run(Statement(forward ? sql_.keep_before : sql_.keep_after));
        run(Statement(forward ? sql_.add_before : sql_.add_after));
        const auto dimension = static_cast<std::int32_t>(forward ? state.dimension : state.dimension_before);
        const auto all = static_cast<std::uint64_t>(run(Statement(sql_.count))[0].get<std::int64_t>(0));
        std::uint64_t done = 0;
        for (std::int64_t at = 0;;) {
            const auto last = run(Statement(sql_.page, at, kStep))[0].find<std::int64_t>("id");
            if (!last) break;
            done += run(Statement(forward ? sql_.put_after : sql_.put_before, at, *last, dimension)).affected();
            at = *last;
            if (on_progress) on_progress({ReembedPhase::switching, done, all});
        }
        if (!forward) run(Statement(sql_.drop_empty));
        const auto fingerprint = forward ? std::optional(state.embedder) : state.embedder_before;
        State after = state;
        after.switched = forward;
        const Statement batch[] = {Statement(sql_.settle, fingerprint, std::to_string(dimension)),
                                   Statement(sql_.next_epoch, fingerprint), Statement(sql_.save_state, text_of(after)),
                                   Statement(cache_.raise_version, kRebuildStep)};
        transaction.run(batch, patience());
    }
    void forget(Transaction& transaction) const {
        const Statement batch[] = {Statement(sql_.drop_vectors), Statement(sql_.drop_state)};
        transaction.run(batch, patience());
    }
    const CacheSql& cache() const { return cache_; }
    const std::optional<Deadline>& deadline() const { return deadline_; }
    Deadline patience() const { return deadline_.value_or(Deadline::never()); }

private:
    Database& database_;
    const std::optional<Deadline> deadline_;
    const CacheSql cache_;
    const ReembedSql sql_;
};

class Reembedding {
public:
    Reembedding(Database& database, Embedder& embedder, const ReembedOptions& options)
        : tables_(database, options.deadline), sql_(tables_.sql()), embedder_(embedder), options_(options) {
        if (options.batch == 0) raise(ErrorCode::invalid_argument, "a batch has at least one text");
        if (options.texts_per_second && !(*options.texts_per_second > 0)) {
            raise(ErrorCode::invalid_argument, "texts_per_second is more than 0");
        }
    }

    Reembedded run() {
        state_ = tables_.alone([this](Transaction& transaction) { return begin(transaction); });
        if (!options_.pairs.empty()) {
            done_.calibration = calibrate(embedder_, options_.pairs, {.deadline = options_.deadline});
        }
        read_progress();
        embed_missing(tables_.database());
        compare();
        if (options_.switch_over) switch_over();
        read_progress();
        done_.entries = progress_.done;
        return std::move(done_);
    }

private:
    State begin(Transaction& transaction) {
        State state{.embedder = embedder_.fingerprint(), .dimension = embedder_.dimension()};
        for (const Row& row : transaction.query(Statement(tables_.cache().settings), tables_.deadline())) {
            const auto key = row.get<std::string_view>("key");
            if (key == "embedder_fingerprint") state.embedder_before = row.get<std::string>("value");
            if (key == "embedder_dim") {
                state.dimension_before = std::strtoull(row.get<std::string>("value").c_str(), nullptr, 10);
            }
        }
        if (state.embedder_before == state.embedder) {
            raise(ErrorCode::invalid_argument,
                  fmt::format("the vectors in {} are those of the embedder '{}' already: the new one must differ",
                              tables_.where(), state.embedder));
        }
        if (state.dimension_before == 0) {
            raise(ErrorCode::invalid_argument,
                  fmt::format("there are no vectors in {}: open the cache with the new embedder", tables_.where()));
        }
        if (const std::optional<State> found = tables_.state(transaction)) {
            if (found->switched) {
                raise(ErrorCode::invalid_argument,
                      fmt::format("the vectors in {} from before the embedder '{}' are kept still: finish that, or go "
                                  "back, first (`stele cache reembed --finish` or --back)",
                                  tables_.where(), found->embedder));
            }
            if (found->embedder == state.embedder) return *found;
            if (!options_.start_over) {
                raise(ErrorCode::invalid_argument,
                      fmt::format("in {} vectors of the embedder '{}' are being made: go on with that, or give them up "
                                  "(`stele cache reembed --start-over`, or --cancel)",
                                  tables_.where(), found->embedder));
            }
            tables_.forget(transaction);
        }
        transaction.execute(Statement(sql_.save_state, text_of(state)), tables_.deadline());
        return state;
    }

    void read_progress() {
        const Row row = tables_.database().query(Statement(sql_.progress, options_.namespaces), tables_.patience())[0];
        progress_.done = static_cast<std::uint64_t>(row.get<std::int64_t>("done"));
        progress_.all = static_cast<std::uint64_t>(row.get<std::int64_t>("entries"));
    }

    Rows missing(Executor& executor, std::int64_t beyond, std::size_t most) const {
        return executor.query(Statement(sql_.missing, options_.namespaces, beyond, static_cast<std::int64_t>(most)),
                              tables_.patience());
    }

    void embed_missing(Executor& executor) {
        std::int64_t beyond = 0;
        for (;;) {
            const Rows rows = missing(executor, beyond, options_.batch);
            if (rows.empty()) return;
            check_deadline();
            embed(executor, rows);
            beyond = rows[rows.size() - 1].get<std::int64_t>("id");
        }
    }

    void embed(Executor& executor, const Rows& rows) {
        std::vector<std::string> namespaces, hashes, texts;
        for (const Row& row : rows) {
            namespaces.push_back(row.get<std::string>("namespace"));
            hashes.push_back(row.get<std::string>("query_hash"));
            texts.push_back(embedded_text(row.get<std::string>("query"), hashes.back()));
        }
        pace(texts.size());
        const std::vector<std::string_view> views(texts.begin(), texts.end());
        const auto patience = kPatience * static_cast<std::chrono::seconds::rep>(1 + texts.size() / kUsualBatch);
        std::vector<Embedding> made = embedder_.embed(views, options_.deadline.value_or(Deadline::after(patience)));
        std::vector<Bytes> vectors;
        for (std::size_t i = 0; i < texts.size(); ++i) {
            const bool cut = made.at(i).truncated;
            done_.cut += cut ? 1 : 0;
            vectors.push_back(cut ? Bytes()
                                  : encode_entry_vector(checked_vector(std::move(made[i].vector), state_.dimension)));
        }
        executor.execute(Statement(sql_.add, namespaces, hashes, vectors), tables_.deadline());
        done_.embedded += texts.size();
        progress_.done += texts.size();
        progress_.all = std::max(progress_.all, progress_.done);
        if (options_.on_progress) options_.on_progress(progress_);
    }

    // So many more are about to be embedded.
    void pace(std::size_t count) {
        if (!options_.texts_per_second) return;
        const auto now = std::chrono::steady_clock::now();
        next_ = std::max(next_, now);
        const auto wait = next_ - now;
        next_ += std::chrono::duration_cast<std::chrono::steady_clock::duration>(
            std::chrono::duration<double>(static_cast<double>(count) / *options_.texts_per_second));
        if (options_.deadline && options_.deadline->remaining() < wait) {
            std::this_thread::sleep_for(options_.deadline->remaining());
            check_deadline();
        }
        std::this_thread::sleep_for(wait);
    }
    void check_deadline() const {
        if (!options_.deadline || !options_.deadline->expired()) return;
        raise(ErrorCode::deadline_exceeded,
              fmt::format("{} of {} entries have new vectors; the same call goes on there", progress_.done,
                          progress_.all));
    }

    void compare() {
        std::vector<std::vector<float>> before, after;
        const Statement sample(sql_.sample, static_cast<std::int64_t>(options_.sample));
        for (const Row& row : tables_.database().query(sample, tables_.patience())) {
            auto old = decode_entry_vector(row.get<std::span<const std::byte>>("before"), state_.dimension_before);
            auto made = decode_entry_vector(row.get<std::span<const std::byte>>("after"), state_.dimension);
            if (old.empty() || made.empty()) continue;
            before.push_back(std::move(old));
            after.push_back(std::move(made));
        }
        done_.overlap = neighbour_overlap(before, after);
        if (!options_.switch_over || done_.overlap.nearest_ten >= options_.min_overlap) return;
        raise(ErrorCode::invalid_argument,
              fmt::format("of the ten most similar questions {:.3f} are the same to both embedders, less than "
                          "min_overlap {:.3f}: nothing was switched, and the new vectors are kept",
                          done_.overlap.nearest_ten, options_.min_overlap));
    }

    // What is put at the very end is embedded while puts wait: first only if it is little.
    void switch_over() {
        constexpr int kAttempts = 5;
        for (int attempt = 1; !done_.switched; ++attempt) {
            embed_missing(tables_.database());
            const auto began = std::chrono::steady_clock::now();
            done_.switched = tables_.alone([&](Transaction& transaction) {
                const std::optional<State> found = tables_.state(transaction);
                if (!found || found->switched || found->embedder != state_.embedder) {
                    raise(ErrorCode::invalid_argument,
                          fmt::format("somebody else has ended the re-embedding of {}: see `stele cache reembed "
                                      "--status`",
                                      tables_.where()));
                }
                if (attempt < kAttempts && missing(transaction, 0, options_.batch + 1).size() > options_.batch) {
                    return false;
                }
                embed_missing(transaction);
                tables_.swap(transaction, *found, true, options_.on_progress);
                return true;
            });
            done_.switch_time =
                std::chrono::duration_cast<std::chrono::milliseconds>(std::chrono::steady_clock::now() - began);
        }
    }

    static constexpr std::chrono::seconds kPatience{30};  // with a call of the embedder, for each so many texts
    static constexpr std::size_t kUsualBatch = 64;

    const Tables tables_;
    const ReembedSql& sql_;
    Embedder& embedder_;
    const ReembedOptions& options_;
    State state_;
    Reembedded done_;
    ReembedProgress progress_;
    std::chrono::steady_clock::time_point next_{};
};

State require_switched(const Tables& tables, Transaction& transaction) {
    const std::optional<State> state = tables.state(transaction);
    if (state && state->switched) return *state;
    raise(ErrorCode::invalid_argument,
          fmt::format("there was no switch to other vectors in {} of which anything is kept", tables.where()));
}

}  // namespace

Reembedded reembed(Database& database, Embedder& embedder, const ReembedOptions& options) {
    return Reembedding(database, embedder, options).run();
}

std::optional<ReembedStatus> reembed_status(Database& database, std::optional<Deadline> deadline) {
    const Tables tables(database, deadline);
    const std::optional<State> state = tables.state(database);
    if (!state) return std::nullopt;
    const Row row = database.query(Statement(tables.sql().progress, std::vector<std::string>()), tables.patience())[0];
    return ReembedStatus{.embedder = state->embedder,
                         .embedder_before = state->embedder_before,
                         .switched = state->switched,
                         .done = static_cast<std::uint64_t>(row.get<std::int64_t>("done")),
                         .all = static_cast<std::uint64_t>(row.get<std::int64_t>("entries"))};
}

std::uint64_t reembed_back(Database& database, std::optional<Deadline> deadline) {
    const Tables tables(database, deadline);
    return tables.alone([&](Transaction& transaction) {
        const State state = require_switched(tables, transaction);
        tables.swap(transaction, state, false, {});
        const Rows count = transaction.query(Statement(tables.sql().count_before), tables.patience());
        return static_cast<std::uint64_t>(count[0].get<std::int64_t>(0));
    });
}

void reembed_finish(Database& database, std::optional<Deadline> deadline) {
    const Tables tables(database, deadline);
    tables.alone([&](Transaction& transaction) {
        require_switched(tables, transaction);
        tables.forget(transaction);
    });
}

bool reembed_cancel(Database& database, std::optional<Deadline> deadline) {
    const Tables tables(database, deadline);
    return tables.alone([&](Transaction& transaction) {
        const std::optional<State> state = tables.state(transaction);
        if (state && state->switched) {
            raise(ErrorCode::invalid_argument,
                  fmt::format("the vectors in {} were switched already: finish that, or go back", tables.where()));
        }
        if (state) tables.forget(transaction);
        return state.has_value();
    });
}

}  // namespace v0
}  // namespace stele

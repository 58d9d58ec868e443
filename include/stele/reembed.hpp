// Moving a semantic cache to another embedder while it serves.
//
//     stele::reembed(database, *new_embedder);   // then open the caches with the new embedder
//     stele::reembed_back(database);             // or: as it was
//     stele::reembed_finish(database);           // gives up the way back
//
// New vectors are made beside the old ones, of the text that serving embeds, and put in their place in one transaction.
// Until then nothing changes for anybody. A SemanticCache that was opened with the embedder before goes on finding the
// same questions; for its gets by meaning the switch is a counted miss (MissReason::embedder_failure), and its puts
// throw Error(fingerprint_mismatch), until it is opened again with the new one: vectors are never mixed. mneme's Python
// processes know nothing of this: stop those before the switch, and open them with the new embedder after it.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "stele/calibrate.hpp"
#include "stele/database.hpp"
#include "stele/embedder.hpp"
#include "stele/export.hpp"

namespace stele {
inline namespace v0 {

enum class ReembedPhase : std::uint8_t { embedding, switching };

struct ReembedProgress {
    ReembedPhase phase = ReembedPhase::embedding;
    std::uint64_t done = 0, all = 0;  ///< entries
};

struct ReembedOptions {
    /// Stored namespaces whose entries get new vectors; none: all. Entries of others are found by their wording only
    /// after the switch.
    std::vector<std::string> namespaces{};
    /// So many texts are embedded by a call of the embedder.
    std::size_t batch = 64;
    /// At most so many a second; nothing: as fast as it goes.
    std::optional<double> texts_per_second{};
    /// So many entries, chosen at random, are compared before the switch: see NeighbourOverlap.
    std::size_t sample = 1000;
    /// No switch if NeighbourOverlap::nearest_ten is less: Error(invalid_argument), and all is kept for another try.
    double min_overlap = 0;
    /// Pairs for calibrate() with the new embedder, before the switch.
    std::vector<QuestionPair> pairs{};
    /// Off: make the vectors and compare them, no more. The same call with it goes on from there.
    bool switch_over = true;
    /// Give up what was begun with a third embedder.
    bool start_over = false;
    /// Called after each batch. What it throws ends the call; what was made is kept.
    std::function<void(const ReembedProgress&)> on_progress{};
    /// Of the whole call, after which the same call goes on where it was; nothing: half a minute for each 64
    /// texts, and as long as it takes for the switch.
    std::optional<Deadline> deadline{};
};

/// How much the neighbourhoods of questions are the same to both embedders. Low figures are no error: the new one may
/// be the better. They say how much changes.
struct NeighbourOverlap {
    std::size_t sample = 0;  ///< entries that were compared with each other
    double nearest = 1;      ///< share of those whose most similar question is the same
    double nearest_ten = 1;  ///< share of the ten most similar that are the same
};

struct Reembedded {
    std::uint64_t embedded = 0;  ///< texts, by this call
    std::uint64_t entries = 0;   ///< with new vectors, or cut by the new embedder
    std::uint64_t cut = 0;       ///< of these by this call: they are found by their wording only
    NeighbourOverlap overlap{};
    std::optional<Calibration> calibration{};
    bool switched = false;
    std::chrono::milliseconds switch_time{};  ///< for which puts waited
};

/// Resumable: a call that ended early, or was killed, is made again. While it embeds it locks nothing, and what is put
/// meanwhile is embedded, too. During the switch puts wait, and with AccessTimes::within_call hits, too; other gets do
/// not. Several at once do no harm.
///
/// Throws Error(invalid_argument) when the vectors are this embedder's already, when a switch is not finished yet, when
/// another's re-embedding was begun (see start_over), and when there are no vectors; what the embedder throws; and
/// Error(deadline_exceeded).
STELE_API Reembedded reembed(Database& database, Embedder& embedder, const ReembedOptions& options = {});

struct ReembedStatus {
    std::string embedder;                        ///< the fingerprint of the new one
    std::optional<std::string> embedder_before;  ///< nothing: none was named
    bool switched = false;
    std::uint64_t done = 0, all = 0;  ///< entries, those that have expired left out
};

/// Nothing: none was begun, or it is finished.
STELE_API std::optional<ReembedStatus> reembed_status(Database& database, std::optional<Deadline> deadline = {});
/// Puts the vectors before the switch in their place again; entries that were put since have none, and are found by
/// their wording only. The new vectors are kept: reembed() is quick then. Says how many entries got their old vector.
/// Throws Error(invalid_argument) unless there was a switch.
STELE_API std::uint64_t reembed_back(Database& database, std::optional<Deadline> deadline = {});
/// Gives up the vectors before the switch. Throws Error(invalid_argument) unless there was one.
STELE_API void reembed_finish(Database& database, std::optional<Deadline> deadline = {});
/// Gives up what was made for a switch that was not made. False: nothing was begun. Throws Error(invalid_argument)
/// after a switch.
STELE_API bool reembed_cancel(Database& database, std::optional<Deadline> deadline = {});

}  // namespace v0
}  // namespace stele

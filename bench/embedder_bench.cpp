// Does LocalEmbedder keep up with ONNX Runtime on the same model?
//
// Both run all-MiniLM-L6-v2 in one thread, pinned to the same CPU, in turns: we in this process, ONNX Runtime in
// Python, which measures inside itself (onnx_runtime.py). In int8 each has the weights that it would be given: we
// quantise the float32 file at load, ONNX Runtime reads the widely used int8 export. Its times are those of
// InferenceSession.run alone, with the ids ready in NumPy arrays; ours are whole, from a text to a vector of unit
// length. So tokenizer and pooling are in its favour; they take microseconds, as a row shows.
//
// Load and memory are measured in a fresh process each time on both sides, the files in the page cache, from before the
// load (for ONNX Runtime after its import) to after the first vector.
//
// The targets are for the instruction that int8 was made for; other machines print the same rows without a verdict.
// --quick changes nothing: the whole takes a minute or two.

#include <fmt/core.h>
#include <hwy/targets.h>

#include <algorithm>
#include <array>
#include <fstream>
#include <functional>
#include <iostream>
#include <memory>
#include <nlohmann/json.hpp>
#include <numeric>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.hpp"
#include "companion.hpp"
#include "embedding/local_model.hpp"
#include "onnx_runtime.hpp"
#include "pinning.hpp"
#include "side_by_side.hpp"
#include "stele/local_embedder.hpp"
#include "vectors/kernels.hpp"

namespace stele::bench {
namespace {

using nlohmann::json;
using Precision = LocalEmbedderOptions::Precision;
using Pieces = OnnxRuntime::Pieces;

constexpr char kModel[] = "minilm";
constexpr std::size_t kMaxPieces = 256;
constexpr double kSeconds = 0.2;  // of calls for one figure
constexpr double kMillisecond = 1e-3;
constexpr double kMicrosecond = 1e-6;
constexpr double kMebibyte = 1 << 20;
constexpr std::string_view kFirstVector = "--first-vector";

constexpr std::array kThings = {"book", "phone", "lamp", "chair", "coat", "table", "camera", "watch"};
constexpr std::array kMonths = {"april", "june", "july", "august"};

std::vector<std::string> questions() {
    std::vector<std::string> all;
    for (const char* const thing : kThings) {
        for (const char* const month : kMonths) {
            all.push_back(fmt::format("How do I return the {} that I bought last {}?", thing, month));
        }
    }
    return all;
}

std::vector<std::string> letters() {
    std::vector<std::string> all;
    for (const char* const thing : kThings) {
        all.push_back(fmt::format(
            "Hello, I bought a {} in your shop last month and it came two days late. When I opened the box I saw that "
            "one of the parts was broken and that the manual was not there. I wrote to you the same day, but nobody "
            "has given me an answer so far. Now I would like to send it back and have my money returned to the same "
            "card that I paid with. Can you tell me which address I should use and how long this will take?",
            thing));
    }
    return all;
}

/// Texts with the same number of word pieces, which both sides get.
struct Texts {
    std::vector<std::string> words;
    std::vector<Pieces> pieces;

    Texts(std::vector<std::string> texts, const WordPiece& tokenizer, std::size_t length) : words(std::move(texts)) {
        for (const std::string& text : words) {
            pieces.push_back(tokenizer.encode(text, kMaxPieces).ids);
            if (pieces.back().size() != length) {
                throw std::runtime_error(fmt::format("\"{}\" has {} word pieces", text, pieces.back().size()));
            }
        }
    }
};

std::string_view name_of(Precision precision) {
    return precision == Precision::int8 ? "int8" : "float32";
}

std::string rival_model(Precision precision) {
    return precision == Precision::int8 ? STELE_EMBEDDER_RIVAL "/all-minilm-l6-v2-q.onnx"
                                        : STELE_EMBEDDER_RIVAL "/all-minilm-l6-v2.onnx";
}

LocalEmbedderOptions options(Precision precision) {
    LocalEmbedderOptions options;
    options.model = kModel;
    options.precision = precision;
    return options;
}

// ---- the first vector of a process ---------------------------------------------------------------------------------

double resident_bytes() {
    std::ifstream rollup("/proc/self/smaps_rollup");
    for (std::string word; rollup >> word;) {
        if (double kibibytes = 0; word == "Rss:" && rollup >> kibibytes) return kibibytes * 1024;
    }
    throw std::runtime_error("cannot read /proc/self/smaps_rollup");
}

/// The whole of a process that is started only for this.
int answer_first_vector() {
    json answer;
    try {
        std::string line;
        std::getline(std::cin, line);
        const json question = json::parse(line);
        const std::string text = question["text"];
        const LocalEmbedderOptions chosen =
            options(question["precision"] == name_of(Precision::int8) ? Precision::int8 : Precision::float32);
        const double before = resident_bytes();
        std::unique_ptr<LocalEmbedder> embedder;
        answer["seconds"] = seconds([&] {
            embedder = std::make_unique<LocalEmbedder>(chosen);
            embedder->embed_one(text, Deadline::never());
        });
        answer["bytes"] = resident_bytes() - before;
    } catch (const std::exception& error) {
        answer = {{"error", error.what()}};
    }
    std::cout << answer.dump() << std::endl;
    return 0;
}

json our_first_vector(Precision precision, const std::string& text) {
    Companion fresh({"/proc/self/exe", std::string(kFirstVector)});
    return fresh.ask({{"precision", name_of(precision)}, {"text", text}});
}

// ---- the rows ------------------------------------------------------------------------------------------------------

class Embedders {
public:
    explicit Embedders(SideBySide& bench)
        : bench_(bench),
          model_(value_or_raise(LocalModel::load(kModel, Bert::Precision::int8))),
          questions_(questions(), model_.tokenizer, 14),
          letters_(letters(), model_.tokenizer, 98) {
        if (rival_.tokenize(questions_.words) != questions_.pieces ||
            rival_.tokenize(letters_.words) != letters_.pieces) {
            throw std::runtime_error("the tokenizers of the two sides disagree");
        }
        bench_.note(
            fmt::format("Theirs: {}; CPUExecutionProvider, intra_op = inter_op = 1, every optimisation; times of\n"
                        "InferenceSession.run alone. Ours: LocalEmbedder::embed with its tokenizer and its pooling.",
                        rival_.versions()));
        if (!machine_has_verdicts()) bench_.note("This CPU has no AVX-512 VNNI: no verdicts.");
    }

    void measure() {
        measure(Precision::int8, {1.0, 0.85, 1.0});
        measure(Precision::float32, {0.95, 0.95, {}});
        measure_first_vectors();
        measure_tokenizers();
    }

private:
    struct Targets {
        double question, letter;
        std::optional<double> batch;
    };

    static bool machine_has_verdicts() {
#if defined(__x86_64__)
        return __builtin_cpu_supports("avx512vnni") != 0;
#else
        return false;
#endif
    }
    static std::optional<double> target(std::optional<double> at_least) {
        return machine_has_verdicts() ? at_least : std::nullopt;
    }
    static std::string against(Precision precision) { return fmt::format("ONNX Runtime {}", name_of(precision)); }

    void measure(Precision precision, const Targets& targets);
    void measure_each(const std::string& work, LocalEmbedder& ours, Precision precision, const Texts& texts,
                      double at_least);
    void measure_first_vectors();
    void measure_tokenizers();
    double agreement(LocalEmbedder& ours, Precision precision);

    SideBySide& bench_;
    LocalModel model_;
    OnnxRuntime rival_;
    Texts questions_, letters_;
};

/// The least cosine of the two sides' vectors.
double Embedders::agreement(LocalEmbedder& ours, Precision precision) {
    double least = 1;
    for (const Texts* const texts : {&questions_, &letters_}) {
        for (std::size_t i = 0; i < texts->words.size(); ++i) {
            const std::vector<float> one = ours.embed_one(texts->words[i], Deadline::never()).vector;
            // alone: its int8 makes a vector depend on its neighbours
            const std::vector<float> other = rival_.embed(rival_model(precision), {texts->pieces[i]}).front();
            least = std::min(least, std::inner_product(one.begin(), one.end(), other.begin(), 0.0));
        }
    }
    return least;
}

void Embedders::measure_each(const std::string& work, LocalEmbedder& ours, Precision precision, const Texts& texts,
                             double at_least) {
    std::vector<std::function<void()>> calls;
    std::vector<std::vector<Pieces>> batches;
    for (std::size_t i = 0; i < texts.words.size(); ++i) {
        calls.emplace_back([&, i] { ours.embed_one(texts.words[i], Deadline::never()); });
        batches.push_back({texts.pieces[i]});
    }
    bench_.measure(
        {.work = work,
         .against = against(precision),
         .compare = Compare::lower_is_better,
         .at_least = target(at_least),
         .ours = [&] { return median_seconds(kSeconds, calls) / kMillisecond; },
         .theirs = [&] { return rival_.seconds(rival_model(precision), batches, kSeconds) / kMillisecond; }});
}

void Embedders::measure(Precision precision, const Targets& targets) {
    const std::string_view name = name_of(precision);
    const std::string question = fmt::format("{}, 14 tokens, one thread, p50 (ms)", name);
    const std::string letter = fmt::format("{}, 98 tokens, one thread, p50 (ms)", name);
    const std::string batch = fmt::format("{}, batch of 32 x 14 tokens, one thread (texts/s)", name);
    if (!bench_.wants(question) && !bench_.wants(letter) && !bench_.wants(batch)) return;

    LocalEmbedder ours(options(precision));
    const std::string sum = rival_.load(rival_model(precision));
    const double cosine = agreement(ours, precision);
    if (cosine < (precision == Precision::int8 ? 0.95 : 0.9999)) {
        throw std::runtime_error(fmt::format("the two sides disagree in {}: a cosine of {:.4f}", name, cosine));
    }
    bench_.note(fmt::format("{}: ours {}, theirs sha256 {}; cosine of their vectors {:.4f} or more.", name,
                            ours.fingerprint(), sum, cosine));
    measure_each(question, ours, precision, questions_, targets.question);
    measure_each(letter, ours, precision, letters_, targets.letter);
    const std::vector<std::string_view> all(questions_.words.begin(), questions_.words.end());
    const auto texts_per_second = [&](double seconds) { return static_cast<double>(all.size()) / seconds; };
    const std::vector<std::function<void()>> call{[&] { ours.embed(all, Deadline::never()); }};
    bench_.measure(
        {.work = batch,
         .against = against(precision),
         .compare = Compare::higher_is_better,
         .at_least = target(targets.batch),
         .ours = [&] { return texts_per_second(median_seconds(kSeconds, call)); },
         .theirs =
             [&] { return texts_per_second(rival_.seconds(rival_model(precision), {questions_.pieces}, kSeconds)); }});
}

void Embedders::measure_first_vectors() {
    const Precision precision = Precision::int8;
    const std::string& text = questions_.words.front();
    const auto ours = [&](const char* what) { return our_first_vector(precision, text)[what].get<double>(); };
    const auto theirs = [&](const char* what) {
        OnnxRuntime fresh;
        return fresh.first_vector(rival_model(precision), questions_.pieces.front())[what].get<double>();
    };
    bench_.measure({.work = "int8, resident memory after the first vector (MiB)",
                    .against = against(precision),
                    .compare = Compare::lower_is_better,
                    .at_least = target(2),
                    .ours = [&] { return ours("bytes") / kMebibyte; },
                    .theirs = [&] { return theirs("bytes") / kMebibyte; }});
    bench_.measure({.work = "int8, load to first vector, file in the page cache (ms)",
                    .against = against(precision),
                    .compare = Compare::lower_is_better,
                    .at_least = target(1.0),
                    .ours = [&] { return ours("seconds") / kMillisecond; },
                    .theirs = [&] { return theirs("seconds") / kMillisecond; }});
}

void Embedders::measure_tokenizers() {
    std::vector<std::function<void()>> calls;
    for (const std::string& text : letters_.words) {
        calls.emplace_back([&] { model_.tokenizer.encode(text, kMaxPieces); });
    }
    bench_.measure({.work = "tokenizer alone, 98 tokens, p50 (us)",
                    .against = "Hugging Face tokenizers, from Python",
                    .compare = Compare::lower_is_better,
                    .at_least = {},
                    .ours = [&] { return median_seconds(kSeconds, calls) / kMicrosecond; },
                    .theirs = [&] { return rival_.tokenizer_seconds(letters_.words, kSeconds) / kMicrosecond; }});
}

std::string processor() {
    std::ifstream file("/proc/cpuinfo");
    for (std::string line; std::getline(file, line);) {
        if (line.starts_with("model name")) return line.substr(line.find(':') + 2);
    }
    return "a CPU without a name";
}

void measure_all(SideBySide& bench) {
    const int cpu = allowed_cpus().back();
    const Pinned pinned(cpu);  // ONNX Runtime too: a child is where its parent is
    bench.note(fmt::format("{}; one thread a side, both pinned to CPU {}; {}.", processor(), cpu,
                           hwy::TargetName(kernels::active_target())));
    Embedders(bench).measure();
}

}  // namespace
}  // namespace stele::bench

int main(int argc, char** argv) {
    if (argc == 2 && argv[1] == stele::bench::kFirstVector) return stele::bench::answer_first_vector();
    return stele::bench::run(argc, argv, "LocalEmbedder beside ONNX Runtime on the same model.",
                             stele::bench::measure_all);
}

#include "embed_lines.hpp"

#include <fmt/format.h>

#include <array>
#include <nlohmann/json.hpp>
#include <optional>
#include <vector>

#include "embed_values.hpp"
#include "exit_code.hpp"
#include "line_reader.hpp"

namespace stele::cli {
namespace {

using nlohmann::ordered_json;  // which keeps the order of the members

constexpr std::array kAdded = {"truncated", "vector", "similarity"};

struct Line {
    std::size_t number = 0;
    std::string object;              // as it was given: numbers, for one, may have more digits than a double
    std::vector<std::string> texts;  // one to embed, or two to compare
};

std::string text_of(const ordered_json& object, const char* key) {
    const ordered_json& text = object.at(key);
    if (!text.is_string()) refuse(fmt::format("\"{}\" is {}, not a string", key, text.type_name()));
    return text.get<std::string>();
}

Line parse(std::string_view text) {
    check_json_line(text);
    ordered_json value;
    try {
        value = ordered_json::parse(text);
    } catch (const nlohmann::json::exception& error) {
        refuse(error.what());
    }
    Line line;
    if (value.is_string()) {
        line.object = fmt::format("{{\"text\":{}}}", text);
        line.texts = {value.get<std::string>()};
        return line;
    }
    const bool single = value.is_object() && value.contains("text");
    const bool pair = value.is_object() && value.contains("a") && value.contains("b");
    if (single == pair) refuse("neither a string nor an object with either \"text\" or both \"a\" and \"b\"");
    line.texts.push_back(text_of(value, single ? "text" : "a"));
    if (pair) line.texts.push_back(text_of(value, "b"));
    std::size_t old = 0;  // of an earlier run
    for (const char* key : kAdded) old += value.erase(key);
    line.object = old > 0 ? value.dump() : std::string(text);
    return line;
}

/// What is on the lines, one after the other, and where that was.
class Reader {
public:
    Reader(std::istream& in, const std::string& name, std::size_t limit) : lines_(in, name, limit), name_(name) {}

    /// Nothing at the end.
    std::optional<Line> next() {
        const auto text = lines_.next();
        if (!text) return std::nullopt;
        try {
            Line line = parse(*text);
            line.number = lines_.number();
            return line;
        } catch (const Error& error) {
            refuse(fmt::format("{}, line {}: {}", name_, lines_.number(), error.info().message));
        }
    }
    bool must_wait() const { return lines_.must_wait(); }

private:
    LineReader lines_;
    const std::string& name_;
};

class Batch {
public:
    Batch(const std::string& name, Embedder& embedder, const EmbedPorts& ports, const EmbedLimits& limits)
        : name_(name), embedder_(embedder), ports_(ports), limits_(limits) {}

    void add(Line line) {
        texts_ += line.texts.size();
        for (const std::string& text : line.texts) bytes_ += text.size();
        lines_.push_back(std::move(line));
    }
    bool full() const { return texts_ >= limits_.batch_texts || bytes_ >= limits_.batch_bytes; }

    void finish() {
        if (lines_.empty()) return;
        const std::vector<Embedding> embeddings = embed();
        auto embedding = embeddings.begin();
        for (Line& line : lines_) {
            write(line, &*embedding);
            embedding += static_cast<std::ptrdiff_t>(line.texts.size());
        }
        ports_.flush();
        lines_.clear();
        texts_ = bytes_ = 0;
    }
    const EmbedCounts& counts() const { return counts_; }

private:
    std::vector<Embedding> embed() const {
        std::vector<std::string_view> texts;
        for (const Line& line : lines_) texts.insert(texts.end(), line.texts.begin(), line.texts.end());
        try {
            return embedder_.embed(texts, ports_.deadline());
        } catch (const Error& error) {
            ErrorInfo info = error.info();
            info.message =
                fmt::format("{}, lines {} to {}: {}", name_, lines_.front().number, lines_.back().number, info.message);
            throw Error(std::move(info));
        }
    }

    void write(Line& line, const Embedding* embeddings) {
        const bool pair = line.texts.size() == 2;
        const bool truncated = embeddings[0].truncated || (pair && embeddings[1].truncated);
        line.object.pop_back();
        line.object += fmt::format(",\"truncated\":{},", truncated);
        if (pair) {
            const float alike = similarity(embeddings[0].vector, embeddings[1].vector);
            line.object += fmt::format("\"similarity\":{}}}", alike);
        } else {
            line.object += fmt::format("\"vector\":[{}]}}", fmt::join(embeddings[0].vector, ","));
        }
        ports_.write(line.object);
        ++counts_.lines;
        counts_.truncated += truncated ? 1 : 0;
    }

    const std::string& name_;
    Embedder& embedder_;
    const EmbedPorts& ports_;
    const EmbedLimits& limits_;
    std::vector<Line> lines_;
    std::size_t texts_ = 0, bytes_ = 0;
    EmbedCounts counts_;
};

}  // namespace

EmbedCounts embed_lines(std::istream& in, const std::string& name, Embedder& embedder, const EmbedPorts& ports,
                        const EmbedLimits& limits) {
    Reader reader(in, name, limits.line_bytes);
    Batch batch(name, embedder, ports, limits);
    const auto next = [&]() -> std::optional<Line> {
        try {
            return reader.next();
        } catch (const Error&) {
            batch.finish();
            throw;
        }
    };
    while (std::optional<Line> line = next()) {
        batch.add(std::move(*line));
        if (batch.full() || reader.must_wait()) batch.finish();
    }
    batch.finish();
    return batch.counts();
}

}  // namespace stele::cli

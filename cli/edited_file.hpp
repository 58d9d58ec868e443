// A text in somebody's editor.
#pragma once

#include <filesystem>
#include <string>
#include <string_view>

namespace stele::cli {

/// What $VISUAL, else $EDITOR says; it may have arguments. Throws Error(invalid_argument) when neither does.
std::string editor_command();

/// A temporary file that only its owner may read. Gone at the end, unless it is to be kept.
class EditedFile {
public:
    /// `type` is how its name ends: editors go by it. Throws Error when it cannot be written.
    EditedFile(std::string_view text, std::string_view type);
    EditedFile(const EditedFile&) = delete;
    EditedFile& operator=(const EditedFile&) = delete;
    ~EditedFile();

    const std::filesystem::path& path() const noexcept { return path_; }
    /// Opens it in `editor`, as the shell understands that, on our terminal, and waits; returns what is in it then.
    /// Throws Error when the editor cannot be run or fails; what it saved is kept.
    std::string edit(const std::string& editor);
    void keep() noexcept { kept_ = true; }

private:
    std::string read() const;

    std::filesystem::path path_;
    std::string before_;
    bool kept_ = false;
};

}  // namespace stele::cli

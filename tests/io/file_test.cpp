#include <csignal>
#include <cstdint>
#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/resource.h>
#include <sys/stat.h>

#include <mica/core/error.h>
#include <mica/io/file.h>
#include <mica/io/safetensors.h>
#include <mica/ops/creation.h>

#include "files.h"

namespace mica::io {
namespace {

using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::ThrowsMessage;

// While it lives, files cannot grow beyond so many bytes: writing fails as on a full disk.
class FileSizeLimit {
 public:
  explicit FileSizeLimit(rlim_t bytes) : handler_(std::signal(SIGXFSZ, SIG_IGN)) {
    getrlimit(RLIMIT_FSIZE, &before_);
    const rlimit limit{.rlim_cur = bytes, .rlim_max = before_.rlim_max};
    setrlimit(RLIMIT_FSIZE, &limit);
  }
  ~FileSizeLimit() {
    setrlimit(RLIMIT_FSIZE, &before_);
    std::signal(SIGXFSZ, handler_);
  }
  FileSizeLimit(const FileSizeLimit&) = delete;
  FileSizeLimit& operator=(const FileSizeLimit&) = delete;

 private:
  void (*handler_)(int);
  rlimit before_{};
};

StateDict one_tensor(std::int64_t n) {
  StateDict s;
  s.insert("x", ones({n}));
  return s;
}

TEST(AtomicFile, AppearsWholeAtCommit) {
  const TemporaryFolder folder;
  const auto path = folder.path() / "a";
  write_file(path, "old");
  AtomicFile file(path);
  file.write("new ");
  file.write("text");
  EXPECT_EQ(read_file(path), "old");
  file.commit();
  EXPECT_EQ(read_file(path), "new text");
  EXPECT_THAT(folder.names(), ElementsAre("a"));
}

TEST(AtomicFile, LeavesNothingWithoutCommit) {
  const TemporaryFolder folder;
  const auto path = folder.path() / "a";
  {
    AtomicFile(path).write("text");
  }
  EXPECT_THAT(folder.names(), ElementsAre());
  write_file(path, "old");
  {
    AtomicFile(path).write("text");
  }
  EXPECT_EQ(read_file(path), "old");
  EXPECT_THAT(folder.names(), ElementsAre("a"));
}

TEST(AtomicFile, GetsThePermissionsOfAnOrdinaryFile) {
  const TemporaryFolder folder;
  const mode_t before = umask(027);
  AtomicFile file(folder.path() / "a");
  file.commit();
  umask(before);
  EXPECT_EQ(std::filesystem::status(folder.path() / "a").permissions(),
            static_cast<std::filesystem::perms>(0640));
}

TEST(AtomicFile, TakesNamesOfAnyLengthThatTheSystemAllows) {
  const TemporaryFolder folder;
  const auto path = folder.path() / std::string(255, 'a');
  AtomicFile file(path);
  file.write("text");
  file.commit();
  EXPECT_EQ(read_file(path), "text");
  EXPECT_THAT([&] { AtomicFile(folder.path() / std::string(256, 'a')).commit(); },
              ThrowsMessage<Error>(HasSubstr("too long")));
  EXPECT_EQ(folder.names().size(), 1U);
}

TEST(AtomicFile, WritesIntoTheWorkingFolderByABareName) {
  const TemporaryFolder folder;
  const auto before = std::filesystem::current_path();
  std::filesystem::current_path(folder.path());
  write_safetensors("bare.safetensors", one_tensor(3));
  std::filesystem::current_path(before);
  EXPECT_THAT(folder.names(), ElementsAre("bare.safetensors"));
}

TEST(AtomicFile, SaysWhyItCannotBeMade) {
  const TemporaryFolder folder;
  write_file(folder.path() / "file", "old");
  EXPECT_THAT([&] { AtomicFile(folder.path() / "none" / "a"); },
              ThrowsMessage<Error>(AllOf(HasSubstr("none/a"), HasSubstr("No such file or directory"),
                                         HasSubstr("create the folder first"))));
  EXPECT_THAT([&] { AtomicFile(folder.path() / "file" / "a"); },
              ThrowsMessage<Error>(AllOf(HasSubstr("file/a"), HasSubstr("Not a directory"))));
  EXPECT_THAT([&] { AtomicFile file(folder.path()); }, ThrowsMessage<Error>(HasSubstr("is a folder")));
  EXPECT_THAT([&] { AtomicFile("").commit(); }, testing::Throws<Error>());
  std::filesystem::create_symlink("loop", folder.path() / "loop");
  EXPECT_THAT([&] { AtomicFile(folder.path() / "loop" / "a"); },
              ThrowsMessage<Error>(HasSubstr("symbolic links")));
  EXPECT_EQ(read_file(folder.path() / "file"), "old");
}

TEST(AtomicFile, SaysWhenTheTargetBecameAFolder) {
  const TemporaryFolder folder;
  const auto path = folder.path() / "a";
  AtomicFile file(path);
  std::filesystem::create_directory(path);
  EXPECT_THAT([&] { file.commit(); }, ThrowsMessage<Error>(HasSubstr("cannot replace")));
}

TEST(WriteSafetensors, LeavesTheOldFileWhenTheDiskIsFull) {
  const TemporaryFolder folder;
  const auto path = folder.path() / "x.safetensors";
  write_safetensors(path, one_tensor(10));
  const std::string before = read_file(path);
  const StateDict large = one_tensor(100'000);
  for (const rlim_t limit : {0UL, 8UL, 100UL, 4096UL, 100'000UL}) {
    SCOPED_TRACE(limit);
    const FileSizeLimit full(limit);
    EXPECT_THAT([&] { write_safetensors(path, large); },
                ThrowsMessage<Error>(
                    AllOf(HasSubstr("cannot write"), HasSubstr(path.string()), HasSubstr("is unchanged"))));
  }
  EXPECT_EQ(read_file(path), before);
  EXPECT_THAT(folder.names(), ElementsAre("x.safetensors"));
}

TEST(WriteSafetensors, ReplacesAFileThatIsBeingRead) {
  const TemporaryFolder folder;
  const auto path = folder.path() / "x.safetensors";
  write_safetensors(path, one_tensor(1000));
  const std::string before = read_file(path);
  InputFile reader(path);
  write_safetensors(path, one_tensor(2000));
  std::string seen(before.size(), '\0');
  reader.read(seen.data(), seen.size());
  EXPECT_EQ(seen, before);
  EXPECT_EQ(read_safetensors(path).tensors.at("x").numel(), 2000);
}

TEST(InputFile, ReadsExactlyWhatIsAskedOrSaysThatTheFileEnds) {
  const TemporaryFolder folder;
  const auto path = folder.path() / "a";
  write_file(path, "12345");
  InputFile file(path);
  EXPECT_EQ(file.size(), 5U);
  char text[4] = {};
  file.read(text, 3);
  EXPECT_STREQ(text, "123");
  EXPECT_THAT([&] { file.read(text, 3); }, ThrowsMessage<Error>(HasSubstr("ends too early")));
}

TEST(InputFile, ReadsOnAndIsMappedFromTheStart) {
  const TemporaryFolder folder;
  write_file(folder.path() / "a", "some text");
  InputFile file(folder.path() / "a");
  std::string part(4, ' ');
  file.read(part.data(), 4);
  EXPECT_EQ(part, "some");
  const auto all = file.map();
  EXPECT_EQ(std::string(reinterpret_cast<const char*>(all.get()), file.size()), "some text");
  file.read(part.data(), 4);
  EXPECT_EQ(part, " tex");
}

TEST(InputFile, IsReadWhereItCannotBeMapped) {
  const char* path = "/sys/kernel/notes";  // the kernel maps none of these
  if (!std::filesystem::exists(path)) GTEST_SKIP() << path << " does not exist";
  const InputFile file(path);
  EXPECT_EQ(std::string(reinterpret_cast<const char*>(file.map().get()), file.size()), read_file(path));
}

TEST(InputFile, MayBeEmpty) {
  const TemporaryFolder folder;
  write_file(folder.path() / "a", "");
  EXPECT_NO_THROW(InputFile(folder.path() / "a").map());
}

}  // namespace
}  // namespace mica::io

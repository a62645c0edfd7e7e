// SPDX-License-Identifier: Apache-2.0
#include "services/frontend/domain/frontend_for_test.h"

#include <filesystem>

namespace sealift::frontend {

FrontendTest::FrontendTest() : directory_{TemporaryDirectory::create("sealift-frontend").value()} {
  restart();
}

void FrontendTest::restart() {
  database_.reset();
  database_ =
      store::open("sqlite:" + (directory_.path() / "state.db").string(), store::Schema::images).value();
  image_store_ = store::make_image_store(*database_);
  upload_store_ = store::make_upload_store(*database_);
  use_store_ = store::make_object_use_store(*database_);
  quote_store_ = store::make_quote_store(*database_);
  object_store_ = objects::open_store("dir:" + (directory_.path() / "objects").string()).value();
  objects_ = std::make_unique<FaultyObjects>(*object_store_);
  sealed_store_ = store::make_sealed_head_store(*database_);
  const ImageStores stores{*image_store_, *upload_store_, *use_store_, *sealed_store_, *objects_};
  images_ = std::make_unique<Images>(stores, clock_, terms_.limits);
  uploads_ = std::make_unique<Uploads>(stores, clock_);
  sealed_ = std::make_unique<SealedHeads>(*sealed_store_, *image_store_, *objects_, clock_);
  launches_ = std::make_unique<Launches>(*image_store_, *sealed_, *quote_store_, clock_, terms_);
  housekeeping_ = std::make_unique<Housekeeping>(*images_, stores, *quote_store_, clock_, terms_.limits);
}

void FrontendTest::upload(const std::string& tenant, const ImageForTest& image) {
  ASSERT_THAT(images_->create(tenant, image.announcement()), Succeeds());
  for (const auto& part : image.parts()) ASSERT_THAT(uploads_->put(tenant, part), Succeeds());
  ASSERT_EQ(images_->get(tenant, image.id())->state(), v1::Image::STATE_READY);
}

bool FrontendTest::has_object(const crypto::Digest& digest) {
  return object_store_->stat(objects::ObjectKey::content(digest)).value().has_value();
}

std::size_t FrontendTest::unfinished_uploads() const {
  const std::filesystem::directory_iterator uploads{directory_.path() / "objects" / "uploads"};
  return static_cast<std::size_t>(std::distance(begin(uploads), end(uploads)));
}

}  // namespace sealift::frontend

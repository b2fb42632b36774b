"""Generated from proto/ by scripts/protoc; do not edit."""

"""Where: divide a quantity over listings at the best all-in price; and the one exact evaluator of what that costs."""

import { trainingFigure } from './training_curves.js';

/** Figure 6: AUC over training, guidance against STE. */
export const fig6 = trainingFigure('fig6', 'Figure 6: AUC over training, guidance STE against STE', 'auc', {
  ...{ what: 'AUC on the batches', low: 0.5 },
});

import { trainingFigure } from './training_curves.js';

/** Figure 4: training loss, guidance against STE. */
export const fig4 = trainingFigure('fig4', 'Figure 4: training loss, guidance STE against STE', 'loss', {
  ...{ what: 'training loss', low: 0 },
});
